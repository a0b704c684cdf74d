#!/bin/sh
echo docker/check.sh
