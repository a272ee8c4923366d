#!/usr/bin/env bash
# Prints files by name, kind, mode, owner, size and time; packages; containers, images and networks. What runs writes its
# own data and logs, and Ansible its working files: these are left out.
set -eu -o pipefail
find / -xdev \( -path /proc -o -path /sys -o -path /dev -o -path /run -o -path /tmp -o -path /var/tmp \
    -o -path /var/log -o -path /var/lib/systemd -o -path /var/lib/docker -o -path /var/lib/containerd \
    -o -path /root/.ansible -o -path /home/deploy/.ansible -o -path '/opt/*/*/data' \
    -o -path '/opt/*/postgres/run' -o -path '/opt/*/mlflow/spool' -o -name __pycache__ \) -prune \
    -o -printf '%p %y %m %U:%G %s %T@ %l\n'
dpkg-query --show --showformat '${Package} ${Version} ${Status}\n'
if command -v docker > /dev/null; then
    docker ps --all --quiet --no-trunc | xargs --no-run-if-empty docker inspect \
        --format '{{.Name}} {{.Id}} {{.State.StartedAt}} {{.RestartCount}}'
    docker images --all --quiet --no-trunc
    docker network ls --quiet --no-trunc
fi
