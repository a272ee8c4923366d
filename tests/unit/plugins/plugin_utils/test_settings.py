# Copyright (c) 2026, OpenGeoAI ModelHub contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is refused and in which words. The ids are the numbers of the list of bad input."""

from __future__ import annotations

import random
import re
import string
from typing import Any

import pytest
from ansible_collections.opengeoai.modelhub.plugins.plugin_utils import _settings

DIGEST = "sha256:" + "0123456789abcdef" * 4
FLOOR = {
    "version": "v3.16.0",
    "reason": "CVE-2026-2033, remote code execution",
    "override": "mlflow_allow_vulnerable_version",
}
FLAGS = {
    "--backend-store-uri": "mlflow_db_host",
    "--gunicorn-opts": "it breaks the workers",
    "-h": "",
    "-w": "mlflow_workers",
}
SECRETS = {"AWS_SECRET_ACCESS_KEY": "mlflow_s3_secret_key"}
# What rules cannot do without
OPTIONS: dict[str, dict[str, Any]] = {
    "certificate": {"content": ""},
    "certificate_key": {"content": ""},
    "directory": {"found": {}},
    "free_port": {"containers": [], "listeners": {}, "own": "traefik"},
    "leads_here": {"addresses": {}, "own": []},
    "minimum_version": {"minimum": "99"},
    "one_domain": {"found": [], "stack": "modelhub"},
    "own_container": {"found": [], "stack": "modelhub"},
    "own_directory": {"found": {}, "stack": "modelhub"},
    "own_network": {"found": [], "stack": "modelhub"},
    "own_subnet": {"network": "edge", "networks": [], "routes": []},
    "text": {"pattern": "x", "want": "an x"},
}


def generated(length: int = 24) -> str:
    return "".join(random.SystemRandom().choices(string.ascii_letters + string.digits, k=length))


def problems(rule: str, value: Any, **options: Any) -> list[str]:
    return _settings.setting_problems([{"name": "the_setting", "value": value, "rule": rule, **options}])


# number, rule, options, value, what the message must match besides the name of the variable
BAD: list[tuple[str, str, dict[str, Any], Any, str]] = [
    ("B1-empty", "hostname", {"example": "ml.example.org"}, "", r"is required.*e\.g\. the_setting: ml\.example\.org"),
    ("B1-null", "hostname", {"example": "ml.example.org"}, None, r"is required.*Set the_setting"),
    ("B1-blank", "hostname", {}, "  ", r"is required"),
    ("B2-url", "hostname", {}, "https://mlflow.x.io/", r"not a URL\. Set the_setting to \"mlflow\.x\.io\""),
    ("B2-path", "hostname", {}, "mlflow.x.io/ml", r"not a URL\. Set the_setting to \"mlflow\.x\.io\""),
    ("B2-bad-url", "hostname", {}, "https://ml_flow/", r"not a URL\. Set the_setting to a plain host name"),
    ("B2-broken-url", "hostname", {}, "https://[x/", r"not a URL"),
    ("B2-port", "hostname", {}, "mlflow.x.io:8443", r"not a host with a port\. Set the_setting to \"mlflow\.x\.io\""),
    ("B3-underscore", "hostname", {}, "mlflow_x.example", r"not a valid DNS name.*\"mlflow_x\" contains \"_\""),
    ("B3-space", "hostname", {}, "ml flow.example", r"label \"ml flow\" contains \" \""),
    ("B3-backtick", "hostname", {}, "ml`.example", r"label \"ml`\" contains \"`\""),
    ("B3-newline", "hostname", {}, "ml.example\n", r"label \"example\\n\" contains \"\\n\""),
    ("B3-unicode", "hostname", {}, "käse.example", r"label \"käse\" contains \"ä\""),
    ("B3-upper-case", "hostname", {}, "ML.example.org", r"label \"ML\" has upper-case"),
    ("B3-empty-label", "hostname", {}, "ml..example", r"empty label"),
    ("B3-hyphen", "hostname", {}, "-ml.example", r"label \"-ml\" starts or ends with a hyphen"),
    ("B3-label-64", "hostname", {}, "a" * 64 + ".example", r"is 64 characters long.*at most 63"),
    ("B3-name-254", "hostname", {}, ".".join(["a" * 49] * 5 + ["abcd"]), r"254 characters long.*at most 253"),
    ("B3-max-length", "hostname", {"max_length": "9"}, "ml.example", r"10 characters long.*at most 9"),
    (
        "B3-dot",
        "hostname",
        {},
        "ml.example.org.",
        r"not one that ends with a dot\. Set the_setting to \"ml\.example\.org\"",
    ),
    ("B3-number", "hostname", {}, 5, r"must be a host name"),
    ("B4-wildcard", "hostname", {}, "*.x.io", r"wildcard needs DNS-01"),
    ("B5-ip", "hostname", {}, "192.168.0.1", r"not an IP address"),
    ("B5-ip6", "hostname", {}, "[::1]", r"not an IP address"),
    ("B5-almost-ip", "hostname", {}, "300.1.1.1", r"last label is a number"),
    ("B5-localhost", "hostname", {}, "localhost", r"single label.*modelhub_tls_mode to internal"),
    ("B6-localhost", "email", {}, "root@localhost", r"e-mail address.*no dot"),
    ("B6-no-host", "email", {}, "foo", r"must be an e-mail address"),
    ("B6-bad-host", "email", {}, "me@ex_ample.org", r"\"ex_ample\""),
    ("B7-http", "url", {}, "http://acme.example.org/dir", r"must start with https://"),
    ("B10-zero", "port", {}, 0, r"is 0, but must be a port number from 1 to 65535\. Set the_setting to"),
    ("B10-high", "port", {}, 70000, r"is 70000, but must be a port number from 1 to 65535"),
    ("B10-text", "port", {}, "abc", r"is \"abc\", but must be a port number"),
    ("B10-true", "port", {}, True, r"is true, but must be a port number"),
    ("B10-float", "port", {}, 80.5, r"is 80\.5, but"),
    ("B10-huge", "port", {}, "9" * 5000, r"5000 characters"),
    ("B10-list", "port", {}, [80], r"is a list, but"),
    ("B13-vault", "hostname", {}, "$ANSIBLE_VAULT;1.1;AES256", r"Ansible Vault did not decrypt\. .*vault password"),
    ("B13-template", "path", {}, "{{ lookup('env', 'X') }}", r"template that was not resolved"),
    ("B20-upper", "bucket", {}, "ML", r"is \"ML\", but it is not a valid bucket name: it must have 3 to 63"),
    ("B20-short", "bucket", {}, "a", r"3 to 63 characters"),
    ("B20-case", "bucket", {}, "My-Bucket", r"upper-case"),
    ("B20-underscore", "bucket", {}, "my_bucket", r"only a-z, 0-9, dots and hyphens"),
    ("B20-ip", "bucket", {}, "192.168.0.1", r"IP address"),
    ("B20-xn", "bucket", {}, "xn--bucket", r"names that start with xn--"),
    ("B20-alias", "bucket", {}, "bucket-s3alias", r"names that end with -s3alias"),
    ("B20-dots", "bucket", {}, "my..bucket", r"dot"),
    ("B20-hyphen", "bucket", {}, "-bucket", r"start and end with a letter or digit"),
    ("B20-long", "bucket", {}, "a" * 64, r"3 to 63"),
    ("B20-in-list", "bucket", {}, ["ml-good", "ML-bad"], r"^the_setting\[1\] is \"ML-bad\", but .*upper-case"),
    ("B20-newline", "bucket", {}, "bucket\n", r"only a-z"),
    ("B21-user", "access_key", {}, "ab", r"is \"ab\", but must have at least 3 characters"),
    ("B21-user-space", "access_key", {}, "a b c", r"white space"),
    ("B21-user-comma", "access_key", {}, "ab,c", r"contains \",\""),
    ("B22-scheme", "s3_endpoint", {}, "s3.x.io:9000", r"must start with http:// or https://.*scheme://host:port"),
    ("B22-other-scheme", "s3_endpoint", {}, "ftp://s3.x.io", r"must start with http:// or https://"),
    ("B22-path", "s3_endpoint", {}, "https://s3.x.io/bucket", r"without a slash or path\. .* \"https://s3\.x\.io\""),
    ("B22-slash", "s3_endpoint", {}, "http://s3.x.io:9000/", r"slash.* \"http://s3\.x\.io:9000\""),
    ("B22-query", "s3_endpoint", {}, "http://s3.x.io?x", r"must end after the host"),
    ("B22-port", "s3_endpoint", {}, "http://s3.x.io:70000", r"wrong host, or a port"),
    ("B22-port-0", "s3_endpoint", {}, "http://s3.x.io:0", r"wrong host, or a port"),
    ("B22-colon", "s3_endpoint", {}, "http://s3.x.io:", r"colon without a port"),
    ("B22-no-host", "s3_endpoint", {}, "http://:9000", r"no host name"),
    ("B22-bad-host", "s3_endpoint", {}, "http://s3_x.io", r"label \"s3_x\""),
    ("B22-space", "s3_endpoint", {}, "http://s3 x.io", r"white space"),
    ("B22-no-ca", "s3_endpoint", {"needs_ca": True, "ca_file": ""}, "https://s3.x.io", r"CA.*Set modelhub_ca_file"),
    (
        "B28-latest",
        "version",
        {"example": "v3.17.2"},
        "latest",
        r"full version vX\.Y\.Z.*e\.g\. the_setting: v3\.17\.2",
    ),
    ("B28-major", "version", {}, "3", r"is \"3\", but must be a full version"),
    ("B28-number", "version", {}, 3, r"full version"),
    ("B28-minor", "version", {}, "v3.17", r"full version"),
    ("B28-candidate", "version", {}, "v3.17.2rc1", r"must be a release"),
    (
        "B28-floor",
        "version",
        {"floor": FLOOR},
        "v3.1.1",
        r"CVE-2026-2033.*v3\.16\.0 or newer.*allow_vulnerable_version",
    ),
    ("B29-space", "image", {}, "mlflow:v3 1", r"white space"),
    ("B29-case", "image", {}, "ghcr.io/OpenGeoAI/mlflow:v3", r"\"OpenGeoAI/mlflow\" must be in lower case"),
    ("B29-digest", "image", {}, "mlflow@" + DIGEST[:-1], r"64 hexadecimal digits after sha256:, not 63"),
    ("B29-digest-kind", "image", {}, "mlflow@md5:00", r"must start with sha256:"),
    ("B29-latest", "image", {}, "traefik:latest", r"pin a tag other than latest, or a digest"),
    ("B29-no-tag", "image", {}, "registry.x.io:5000/traefik", r"pin a tag"),
    ("B29-empty-tag", "image", {}, "traefik:", r"its tag \"\""),
    ("B29-bad-tag", "image", {}, "traefik:-v3", r"its tag \"-v3\""),
    ("B29-registry", "image", {}, "reg_istry.x.io/traefik:v3", r"registry \"reg_istry\.x\.io\""),
    ("B29-registry-port", "image", {}, "registry.x.io:70000/traefik:v3", r"registry \"registry\.x\.io:70000\""),
    ("B29-form", "image", {}, "traefik/:v3", r"wrong form"),
    ("B29-url", "image", {}, "https://ghcr.io/x/y:v1", r"registry \"https:\""),
    ("B31-zero", "integer", {"min": 1, "max": 64}, 0, r"is 0, but must be a whole number from 1 to 64"),
    ("B31-negative", "integer", {"min": 1, "max": 64}, "-1", r"is \"-1\", but"),
    ("B31-many", "integer", {"min": 1, "max": 64}, 200, r"is 200, but .* from 1 to 64\. Set the_setting to"),
    ("B31-word", "integer", {"min": "1", "max": "64"}, "four", r"is \"four\", but"),
    ("B31-minimum", "integer", {"min": 1}, 0, r"of at least 1"),
    ("B31-maximum", "integer", {"max": 5}, 6, r"of at most 5"),
    ("B32-secret", "env", {"secrets": SECRETS}, {"AWS_SECRET_ACCESS_KEY": "x"}, r"set mlflow_s3_secret_key instead"),
    ("B32-known", "env", {}, {"PGPASSWORD": "x"}, r"contains PGPASSWORD, .*Remove PGPASSWORD from the_setting"),
    (
        "B32-managed",
        "env",
        {"managed": {"MLFLOW_WORKERS": "mlflow_workers"}},
        {"MLFLOW_WORKERS": 4},
        r"set mlflow_workers",
    ),
    ("B32-listed", "env", {"managed": ["HOME"]}, {"HOME": "/"}, r"contains HOME, but the role manages it"),
    ("B32-key", "env", {}, {"1A": "x"}, r"name \"1A\""),
    ("B32-key-equals", "env", {}, {"A=B": "x"}, r"name \"A=B\""),
    ("B32-boolean", "env", {}, {"DEBUG": True}, r"gives DEBUG a value.*quotes"),
    ("B32-nested", "env", {}, {"A": {"b": "c"}}, r"gives A a value"),
    ("B32-template", "env", {}, {"A": "{{ b }}"}, r"gives A a value that looks like a template"),
    ("B32-nul", "env", {}, {"A": "b\0"}, r"NUL"),
    ("B32-list", "env", {}, ["A=b"], r"must be a dictionary"),
    ("B33-flag", "args", {"managed": FLAGS}, ["--backend-store-uri", "sqlite://"], r"set mlflow_db_host instead"),
    ("B33-equals", "args", {"managed": FLAGS}, ["--backend-store-uri=sqlite://"], r"contains --backend-store-uri, but"),
    ("B33-short", "args", {"managed": FLAGS}, ["-w", "4"], r"contains -w, .* set mlflow_workers"),
    ("B33-glued", "args", {"managed": FLAGS}, ["-h0.0.0.0"], r"contains -h, but the role manages it"),
    (
        "B33-unsupported",
        "args",
        {"managed": FLAGS},
        ["--gunicorn-opts", "x"],
        r"manages it: it breaks the workers\. Remove --gunicorn-opts from the_setting$",
    ),
    ("B33-string", "args", {}, "--app-name basic-auth", r"must be a list"),
    ("B33-item", "args", {}, ["--x", True], r"a boolean as item 2"),
    ("B33-template", "args", {}, ["{{ x }}"], r"item 1 that looks like a template"),
    (
        "B37-bits",
        "network",
        {},
        ["10.0.0.0/8", "10.0.0.0/33"],
        r"\[1\] is \"10\.0\.0\.0/33\", but must be an IP address or",
    ),
    ("B37-bits-6", "network", {}, "::1/129", r"network of addresses"),
    ("B37-host-bits", "network", {}, "10.0.0.1/8", r"network of addresses"),
    ("B37-name", "network", {}, "proxy.example.org", r"network of addresses"),
    ("B37-number", "network", {}, 10, r"network of addresses"),
    ("B34-relative", "path", {}, "modelhub", r"is \"modelhub\", but must be an absolute path"),
    ("B34-home", "path", {}, "~/modelhub", r"absolute"),
    ("B34-root", "path", {}, "/", r"others use this directory"),
    ("B34-root-dots", "path", {}, "//./", r"others use this directory"),
    ("B34-etc", "path", {}, "/etc", r"system's \"/etc\""),
    ("B34-etc-slash", "path", {}, "//etc/", r"system's \"/etc\""),
    ("B34-docker", "path", {}, "/var/lib/docker", r"/var/lib/docker"),
    ("B34-docker-below", "path", {}, "/var/lib/docker/volumes", r"system's \"/var/lib/docker\""),
    ("B34-tmp", "path", {}, "/tmp/x", r"system's \"/tmp\""),
    ("B34-opt", "path", {}, "/opt/", r"others use"),
    ("B34-var-lib", "path", {}, "/var/lib", r"others use"),
    ("B34-user", "path", {}, "/home/alice", r"others use"),
    ("B34-colon", "path", {}, "/srv/a:b", r"contains \":\".*Docker mount"),
    ("B34-comma", "path", {}, "/srv/a,b", r"contains \",\""),
    ("B34-newline", "path", {}, "/srv/a\n", r"contains \"\\n\""),
    ("B34-parent", "path", {}, "/srv/../etc", r"must not contain \"\.\.\""),
    ("B34-number", "path", {}, 7, r"absolute"),
    ("B34-anywhere", "path", {"anywhere": True}, "ca.pem", r"Set the_setting to an absolute path"),
    (
        "B14-name",
        "text",
        {"pattern": "[a-z_]{1,63}", "want": "a role's name"},
        "postgres;drop",
        r"must be a role's name",
    ),
    ("B18-size", "text", {"pattern": "[0-9]+[kmg]", "want": "a size such as 10m"}, "1.5", r"Set the_setting to a size"),
    ("B26-origin", "origin", {}, "mlflow.x.io", r"must start with http:// or https://"),
    ("B26-origins", "origin", {}, ["https://a.io", "https://a.io/"], r"^the_setting\[1\] is .*without a slash"),
    ("host-url", "host", {}, "http://db.example.org", r"not a URL"),
    ("host-number", "host", {"socket": True}, 5, r"or the directory of the server's Unix socket"),
    ("host-path", "host", {}, "/run/postgresql", r"not a URL"),
    ("host-brackets", "host", {}, "[::1]", r"not an IP address"),
    ("host-socket", "host", {"socket": True}, "/run/a:b", r"Docker mount"),
    ("address-name", "address", {}, "localhost", r"must be an IP address"),
    ("address-brackets", "address", {}, "[::]", r"must be an IP address"),
    ("url-scheme", "url", {"schemes": ["http", "https"]}, "socks5://p:1080", r"start with http:// or https://"),
    ("B36-plain", "htpasswd", {}, ["ops:plain"], r"^the_setting\[0\] is \(not shown\), but must be user:hash"),
    ("B36-dollars", "htpasswd", {}, "ops:$$apr1$$abc$$x", r"\(not shown\), but has doubled dollar signs"),
]

# The values of secrets: number, value, options, what the message must match
BAD_SECRETS: list[tuple[str, Any, dict[str, Any], str]] = [
    ("B11-empty", "", {}, r"is required"),
    ("B11-short", generated(11), {}, r"shorter than 12 characters"),
    ("B11-shorter", generated(7), {"min_length": 8}, r"shorter than 8 characters"),
    ("B11-same", "Geo-Trees-77x", {"differs_from": {"postgres_user": "geo-trees-77x"}}, r"equals postgres_user"),
    ("B11-password", "password", {}, r"well-known words"),
    ("B11-digits", "Postgres12345", {}, r"well-known words"),
    ("B11-words", "minioadmin-changeme", {}, r"well-known words"),
    ("B11-one", "x" * 20, {}, r"fewer than four different"),
    ("B11-newline", generated() + "\n" + generated(), {}, r"newline"),
    ("B11-nul", generated() + "\0", {}, r"NUL"),
    ("B11-space", generated() + " ", {}, r"white space"),
    ("B11-issued", generated() + "\n", {"allow_weak": True}, r"newline.* exactly as it was issued"),
    ("B11-number", 123456789012, {}, r"quotes"),
    ("B13-vault", "$ANSIBLE_VAULT;1.1;AES256\n" + generated(80), {}, r"did not decrypt"),
    ("B13-tag", "!vault |\n" + generated(80), {}, r"did not decrypt"),
    ("B13-template", generated() + "{{ vault_password }}", {}, r"template that was not resolved"),
]

GOOD: list[tuple[str, str, dict[str, Any], Any]] = [
    ("hostname", "hostname", {}, "ml.example.org"),
    ("hostname-253", "hostname", {}, ".".join(["a" * 49] * 5 + ["abc"])),
    ("hostname-localhost", "hostname", {}, "modelhub.localhost"),
    ("hostname-single", "hostname", {"allow_single_label": True}, "localhost"),
    ("hostname-wildcard", "hostname", {"allow_wildcard": True}, "*.example.org"),
    ("hostname-optional", "hostname", {"optional": True}, ""),
    ("network", "network", {}, ["192.0.2.0/24", "192.0.2.7", "2001:db8::/32", "::1"]),
    ("port", "port", {}, 443),
    ("port-text", "port", {}, "65535"),
    ("integer", "integer", {"min": 1, "max": 64}, "64"),
    ("integer-unbounded", "integer", {}, -7),
    ("text", "text", {"pattern": "[0-9]+[kmg]", "want": "a size"}, "10m"),
    ("text-number", "text", {"pattern": "[0-9]+", "want": "a number"}, 10),
    ("text-list", "text", {"pattern": "[a-z]+", "want": "a word"}, ["a", "b"]),
    ("origin", "origin", {}, "https://ui.example.org:8443"),
    ("host-name", "host", {}, "postgres"),
    ("host-ip", "host", {}, "2001:db8::1"),
    ("host-socket", "host", {"socket": True}, "/opt/modelhub/postgres/run"),
    ("address", "address", {}, ["0.0.0.0", "::"]),
    ("htpasswd-bcrypt", "htpasswd", {}, "ops:$2y$05$" + "a" * 53),
    ("htpasswd-apr1", "htpasswd", {}, ["ops:$apr1$abcdefgh$" + "a" * 22, "x:{SHA}" + "a" * 27 + "="]),
    ("finding", "finding", {}, ""),
    ("bucket", "bucket", {}, "mlflow-artifacts.2026"),
    ("bucket-63", "bucket", {}, "a" * 63),
    ("bucket-list", "bucket", {}, ["abc", "x.y.z"]),
    ("buckets", "buckets", {}, ["abc", {"name": "abd", "versioning": "yes", "quota": "5G", "tags": {"a": 1}}]),
    ("secret-issued", "secret", {"allow_weak": True, "min_length": 1}, "minioadmin"),
    ("access-key", "access_key", {}, "mlflow"),
    ("s3-http", "s3_endpoint", {}, "http://minio:9000"),
    ("s3-ip", "s3_endpoint", {}, "http://[::1]:9000"),
    ("s3-https", "s3_endpoint", {}, "https://minio-api.example.org"),
    ("s3-ca", "s3_endpoint", {"needs_ca": True, "ca_file": "/srv/ca.pem"}, "https://s3.example.org"),
    ("version", "version", {"floor": FLOOR}, "v3.17.2"),
    ("version-same", "version", {"floor": FLOOR}, "3.16.0"),
    ("version-override", "version", {"floor": FLOOR, "allowed_below_floor": True}, "v3.1.1"),
    ("image", "image", {}, "docker.io/library/traefik:v3.7.15"),
    ("image-short", "image", {}, "postgres:17"),
    ("image-registry", "image", {}, "172.18.0.2:5000/opengeoai/modelhub/mlflow:v3.17.2"),
    ("image-localhost", "image", {}, "localhost/a__b/c-d.e:x"),
    ("image-digest", "image", {}, "traefik@" + DIGEST),
    ("image-both", "image", {}, "traefik:latest@" + DIGEST),
    ("path", "path", {}, "/opt/modelhub"),
    ("path-slash", "path", {}, "/srv/modelhub/"),
    ("path-user", "path", {}, "/home/alice/modelhub"),
    ("path-etcetera", "path", {}, "/etcetera"),
    ("path-anywhere", "path", {"anywhere": True}, "/etc/ssl/certs/ca.pem"),
    ("env", "env", {"managed": ["HOME"], "secrets": SECRETS}, {"A_1": "b\nc", "N": 4, "EMPTY": ""}),
    ("env-unset", "env", {}, None),
    ("args", "args", {"managed": FLAGS}, ["--app-name", "basic-auth", "--host-like", 5, "value -h"]),
    ("args-unset", "args", {}, []),
    ("email", "email", {}, "ops+tls@ml.example.org"),
    ("url", "url", {}, "https://acme.example.org:14000/dir"),
    ("minimum-version", "minimum_version", {"minimum": "2.17.0"}, "2.19.14"),
    ("minimum-version-short", "minimum_version", {"minimum": "20.10.0"}, "20.10"),
    ("minimum-version-debian", "minimum_version", {"minimum": "20.10"}, "20.10.24+dfsg1"),
    # B12: whatever a password generator may come up with.
    ("B12-specials", "secret", {}, "@:/%?#&'\"$ \\"),
    ("B12-dollar", "secret", {"differs_from": {"user": "mlflow", "other": ""}}, "$HOME`id`;{}[]<>|~"),
    ("B12-unicode", "secret", {}, "pä$$wörd-日本語-🌍"),
    ("B12-word-inside", "secret", {}, "password of the hen house"),
    ("B12-generated", "secret", {"min_length": 8}, generated(8)),
]


@pytest.mark.parametrize(
    ("bucket", "message"),
    [
        pytest.param("my_bucket", r"the_setting\[1\] is \"my_bucket\", but .*a-z, 0-9", id="B20-name"),
        pytest.param({"name": "My-b"}, r"the_setting\[1\]\.name is \"My-b\", but .*upper", id="B20-dictionary"),
        pytest.param({"tags": {}}, r"the_setting\[1\]\.name is required", id="B20-no-name"),
        pytest.param({"name": "good", "state": "absent"}, r"the_setting\[1\] is refused: state\. Supp", id="option"),
        pytest.param(
            {"name": "good", "versioning": "perhaps"}, r"the_setting\[1\] is refused: .*versioning", id="type"
        ),
        pytest.param({"name": "good", "tags": {"": "x"}}, r"the_setting\[1\] is refused: tags: ", id="value"),
    ],
)
def test_bad_buckets(bucket: Any, message: str) -> None:
    (found,) = problems("buckets", ["good", bucket])
    assert re.match(message, found), found


@pytest.mark.parametrize(
    ("rule", "options", "value", "message"), [case[1:] for case in BAD], ids=[case[0] for case in BAD]
)
def test_bad_value_is_refused(rule: str, options: dict[str, Any], value: Any, message: str) -> None:
    found = problems(rule, value, **options)
    assert len(found) == 1, found
    assert re.match(r"the_setting(\[[01]\])? ", found[0]), found
    assert re.search(message, found[0]), found
    assert re.search(r"\. (Set|Remove|Rename|Put|Give) ", found[0]) or "is required" in found[0], found
    assert "\n" not in found[0], found


@pytest.mark.parametrize(
    ("value", "options", "message"), [case[1:] for case in BAD_SECRETS], ids=[case[0] for case in BAD_SECRETS]
)
def test_bad_secret_is_refused_and_never_shown(value: Any, options: dict[str, Any], message: str) -> None:
    found = problems("secret", value, **options)
    assert len(found) == 1, found
    assert found[0].startswith("the_setting is "), found
    assert re.search(message, found[0]), found
    assert "(not shown)" in found[0] or "is required" in found[0], found
    for part in str(value).split() if value else []:
        assert part not in found[0] or part in ("!vault", "{{", "|"), found


@pytest.mark.parametrize(("rule", "options", "value"), [case[1:] for case in GOOD], ids=[case[0] for case in GOOD])
def test_good_value_passes(rule: str, options: dict[str, Any], value: Any) -> None:
    assert problems(rule, value, **options) == []


def test_b10_duplicate_ports_name_both_services() -> None:
    ports = {"traefik_http_port": 80, "traefik_https_port": "80", "postgres_port": 5432, "metrics_port": ""}
    found = _settings.setting_problems([{"rule": "distinct", "value": ports}])
    assert len(found) == 1
    assert re.search(r"^traefik_http_port and traefik_https_port are both 80, .*Set traefik_https_port to", found[0])


def test_b10_distinct_ports_pass() -> None:
    assert _settings.setting_problems([{"rule": "distinct", "value": {"a": 80, "b": 443, "c": "", "d": None}}]) == []


@pytest.mark.parametrize("values", [{"user": "u", "password": ""}, {"user": "u", "password": None}])
def test_b21_one_of_two_names_what_is_missing_and_no_value(values: dict[str, Any]) -> None:
    values["user"] = generated()
    found = _settings.setting_problems([{"rule": "together", "value": values}])
    assert len(found) == 1
    assert re.search(r"^user is set, but password is empty.*Set password as well, or remove user", found[0])
    assert values["user"] not in found[0]


@pytest.mark.parametrize("values", [{"a": "x", "b": "y"}, {"a": "", "b": None}, {}])
def test_b21_both_or_none_pass(values: dict[str, Any]) -> None:
    assert _settings.setting_problems([{"rule": "together", "value": values}]) == []


@pytest.mark.parametrize(
    ("what", "found", "minimum", "message"),
    [
        ("ansible-core", "2.16.3", "2.17.0", r"^ansible-core is \"2\.16\.3\", but version 2\.17\.0 or newer is needed"),
        ("Python on the target", "3.7", "3.8", r"^Python on the target is \"3\.7\".*Install Python on the target 3\.8"),
        ("Docker Engine", "19.03.9", "20.10", r"^Docker Engine is \"19\.03\.9\""),
        ("Docker Engine", "", "20.10", r"^Docker Engine was not found, but version 20\.10 or newer"),
        ("Docker Engine", "dev", "20.10", r"^Docker Engine is \"dev\", but that is no version number"),
        ("", "1.9", "1.10", r"^the_setting is \"1\.9\""),
    ],
)
def test_b48_old_program_is_named_with_both_versions(what: str, found: str, minimum: str, message: str) -> None:
    messages = problems("minimum_version", found, minimum=minimum, what=what)
    assert len(messages) == 1
    assert re.search(message, messages[0]), messages


def test_a_finding_is_said_as_it_is() -> None:
    assert _settings.setting_problems([{"rule": "finding", "value": "The disk is full. Make room"}]) == [
        "The disk is full. Make room"
    ]


def test_every_fault_is_reported() -> None:
    found = _settings.setting_problems(
        [
            {"name": "a", "value": 0, "rule": "port"},
            {"name": "b", "value": 80, "rule": "port"},
            {"name": "c", "value": {"1": "x", "PGPASSWORD": "y"}, "rule": "env"},
        ]
    )
    assert [message.split()[0] for message in found] == ["a", "c", "c"]


def test_credentials_in_a_url_are_masked() -> None:
    password = generated()
    for rule in ("s3_endpoint", "url", "hostname"):
        message = problems(rule, f"https://user:{password}/@x.example.org")[0]
        assert password not in message and "//***@" in message


@pytest.mark.parametrize(
    "rule", sorted(set(_settings.RULES) - {"args", "distinct", "env", "finding", "secret", "together"})
)
def test_no_rule_shows_a_value_that_is_marked_secret(rule: str) -> None:
    options = OPTIONS.get(rule, {})
    token = generated(10)
    for form in (
        "{}",
        "{}.{}",
        "https://{}",
        "https://{}.org/",
        "/etc/{}",
        "{}@x",
        "a b {}",
        "{}:{}",
        "x/{}:1",
        "*.{}",
        "{}.",
    ):
        value = form.replace("{}", token)
        for shape in (value, value.lower()):
            for message in problems(rule, shape, secret=True, **options):
                assert token.lower() not in message.lower(), message


@pytest.mark.parametrize(
    ("checks", "message"),
    [
        ([{"name": "x", "value": 1, "rule": "prot"}], r"check of x: unknown rule 'prot'; known are .*port"),
        ([{"name": "x", "value": 1}], r"unknown rule None"),
        ([{"value": 1, "rule": "port"}], r"has no name"),
        ([{"name": "x", "value": 1, "rule": "port", "mim": 4}], r"check of x: rule port: .*mim"),
        ([{"name": "x", "value": 1, "rule": "text"}], r"pattern"),
        ([{"name": "x", "value": 1, "rule": "distinct"}], r"must be a dictionary"),
        ([{"name": "x", "value": "v1.2.3", "rule": "version", "floor": {"version": "3"}}], r"floor"),
        ([{"name": "x", "value": "1", "rule": "minimum_version", "minimum": "new"}], r"no version"),
        ({"name": "x"}, r"takes a list"),
        ("x", r"takes a list"),
        (["x"], r"must be a dictionary"),
    ],
)
def test_wrong_check_is_the_authors_mistake(checks: Any, message: str) -> None:
    with pytest.raises(_settings.SettingsError, match=message):
        _settings.setting_problems(checks)


def test_messages_stay_short_and_terminate() -> None:
    """Long and odd text must neither hang a pattern nor flood the terminal."""
    alphabet = string.printable + "äß日🌍\0"
    choose = random.Random(2026)
    for rule in sorted(set(_settings.RULES) - {"distinct", "finding", "together"}):
        for length in (1, 5, 60, 300, 20000):
            text = "".join(choose.choices(alphabet, k=length))
            for value in (text, "a" * length, "minioadmin" * length, "a-" * length):
                for message in problems(rule, value, **OPTIONS.get(rule, {})):
                    assert len(message) < 700 and "\n" not in message


# number, option, value, what the message must match besides the name of the variable
BAD_BY_SPEC: list[tuple[str, dict[str, Any], Any, str]] = [
    ("required-null", {"required": True}, None, r"is required"),
    ("required-blank", {"required": True}, " ", r"is required"),
    ("B13-vault", {}, "$ANSIBLE_VAULT;1.1;AES256", r"did not decrypt"),
    ("B13-template", {"type": "int"}, "{{ x }}", r"template that was not resolved"),
    ("B13-in-list", {"type": "list"}, ["a", "{{ x }}"], r"^the_setting\[1\] .*template that was not resolved"),
    (
        "B13-in-dict",
        {"type": "dict"},
        {"a": {"b": ["{{ x }}"]}},
        r"^the_setting\.a\.b\[0\] is \(not shown\), but .*template",
    ),
    ("bool", {"type": "bool"}, "maybe", r'is "maybe", but must be true or false\. Set the_setting to true or false'),
    ("bool-number", {"type": "bool"}, 2, r"must be true or false"),
    ("bool-list", {"type": "bool"}, [True], r"is a list, but must be true or false"),
    ("int", {"type": "int"}, "four", r"must be a whole number"),
    ("int-empty", {"type": "int"}, "", r"must be a whole number"),
    ("int-float", {"type": "int"}, 1.5, r"is 1\.5, but must be a whole number"),
    ("int-bool", {"type": "int"}, True, r"must be a whole number"),
    ("float", {"type": "float"}, "x", r"must be a number"),
    ("float-bool", {"type": "float"}, False, r"must be a number"),
    ("str-bool", {"type": "str"}, True, r"is true, but must be text\. Put the value of the_setting in quotes"),
    ("str-list", {}, ["a"], r"is a list, but must be text\. Set"),
    ("path-dict", {"type": "path"}, {"a": 1}, r"is a dictionary, but must be text"),
    ("list-text", {"type": "list"}, "a,b", r'is "a,b", but must be a list'),
    ("list-dict", {"type": "list"}, {}, r"must be a list"),
    (
        "list-item",
        {"type": "list", "elements": "str"},
        ["a", {"b": 1}],
        r"^the_setting\[1\] is a dictionary, but must be text",
    ),
    ("list-null", {"type": "list", "elements": "str"}, ["a", None], r"^the_setting\[1\] is required"),
    ("list-choice", {"type": "list", "elements": "str", "choices": ["a"]}, ["b"], r"^the_setting\[0\] .*one of: a"),
    ("dict-list", {"type": "dict"}, ["a=b"], r"must be a dictionary"),
    (
        "dict-key",
        {"type": "dict", "options": {"size": {"type": "int"}}},
        {"sise": 1},
        r'has the key "sise", but takes only size',
    ),
    ("dict-value", {"type": "dict", "options": {"size": {"type": "int"}}}, {"size": "x"}, r"^the_setting\.size is"),
    (
        "list-of-dict",
        {"type": "list", "elements": "dict", "options": {"a": {"required": True}}},
        [{}],
        r"^the_setting\[0\]\.a is required",
    ),
    (
        "choice",
        {"choices": ["proxied", "direct"]},
        "proxy",
        r"must be one of: proxied, direct\. Set the_setting to one of proxied, direct",
    ),
    ("choice-boolean", {"type": "raw", "choices": [1, 2]}, True, r"is true, but must be one of"),
]

GOOD_BY_SPEC: list[tuple[str, dict[str, Any], Any]] = [
    ("unset", {"type": "int"}, None),
    ("empty", {}, ""),
    ("bool", {"type": "bool"}, False),
    ("bool-text", {"type": "bool"}, "Yes"),
    ("int", {"type": "int"}, 4),
    ("int-text", {"type": "int"}, "-4"),
    ("float", {"type": "float"}, "0.5"),
    ("str-number", {}, 17),
    ("path", {"type": "path"}, "/opt"),
    ("list", {"type": "list", "elements": "str"}, []),
    ("dict", {"type": "dict"}, {"a": {"b": [1, None]}}),
    ("dict-null", {"type": "dict", "options": {"size": {"type": "int"}}}, {"size": None}),
    ("raw", {"type": "raw"}, [1]),
    ("choice", {"choices": ["proxied", "direct"]}, "direct"),
]


@pytest.mark.parametrize(
    ("option", "value", "message"), [case[1:] for case in BAD_BY_SPEC], ids=[case[0] for case in BAD_BY_SPEC]
)
def test_specification_refuses(option: dict[str, Any], value: Any, message: str) -> None:
    found = _settings.spec_problems({"the_setting": option}, {"the_setting": value})
    assert list(found) == ["the_setting"] and len(found["the_setting"]) == 1, found
    assert found["the_setting"][0].startswith("the_setting"), found
    assert re.search(message, found["the_setting"][0]), found


@pytest.mark.parametrize(
    ("option", "value"), [case[1:] for case in GOOD_BY_SPEC], ids=[case[0] for case in GOOD_BY_SPEC]
)
def test_specification_accepts(option: dict[str, Any], value: Any) -> None:
    assert _settings.spec_problems({"the_setting": option}, {"the_setting": value}) == {}


def test_specification_finds_all_faults_and_what_is_missing() -> None:
    spec = {"a": {"required": True}, "b": {"type": "int"}, "c": {"type": "list", "elements": "int"}}
    found = _settings.spec_problems(spec, {"b": "x", "c": ["y", 1, "z"]})
    assert {name: len(problems) for name, problems in found.items()} == {"a": 1, "b": 1, "c": 2}


@pytest.mark.parametrize(
    "option", [{"type": kind} for kind in ("bool", "dict", "int", "float", "list")] + [{"choices": ["a"]}]
)
def test_specification_never_shows_a_secret(option: dict[str, Any]) -> None:
    token = generated()
    found = _settings.spec_problems({"the_setting": {**option, "no_log": True}}, {"the_setting": token})
    assert "(not shown)" in found["the_setting"][0] and token not in found["the_setting"][0]
    inside = _settings.spec_problems({"the_setting": {"type": "dict"}}, {"the_setting": {"a": token + "{{ x }}"}})
    assert token not in str(inside)
