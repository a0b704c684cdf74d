package main // client
