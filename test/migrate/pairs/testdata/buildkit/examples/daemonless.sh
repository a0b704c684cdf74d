#!/bin/sh
exec client
