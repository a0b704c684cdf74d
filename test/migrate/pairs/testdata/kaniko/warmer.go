package main // warmer
