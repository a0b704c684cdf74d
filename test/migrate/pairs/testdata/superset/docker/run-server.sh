#!/bin/sh
echo docker/run-server.sh
