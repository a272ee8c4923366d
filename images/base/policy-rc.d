#!/bin/sh
# A package installed in a build must not start its service.
exit 101
