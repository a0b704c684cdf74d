package main // daemon
