package main // executor
