# shellcheck shell=sh
# Sourced before pip: the build host's CA bundle and configuration, where it has them.
[ ! -f /context/ca-certificates.crt ] || export PIP_CERT=/context/ca-certificates.crt
[ ! -f /context/pip.conf ] || export PIP_CONFIG_FILE=/context/pip.conf
