# Copyright (c) 2026, OpenGeoAI ModelHub contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection. It can have breaking changes at any time.

"""What a bucket has besides its name, in one form for what is wanted and what servers answer, so that both compare.

Servers answer in another order than they were told, add ids and defaults, and write a list of one as the one. Nothing
here touches the network.
"""

from __future__ import annotations

import hashlib
import json
import re
import typing as t
from dataclasses import dataclass

from ansible_collections.opengeoai.modelhub.plugins.module_utils._errors import InvalidOption

# A bucket whose versioning was never on is "disabled"; S3 cannot return to that, only to "suspended".
ENABLED, SUSPENDED, DISABLED = "enabled", "suspended", "disabled"

# Of a lifecycle rule: the option -> the part of S3's rule and the field in it.
ACTIONS = {
    "expiration_days": ("Expiration", "Days"),
    "expired_delete_markers": ("Expiration", "ExpiredObjectDeleteMarker"),
    "noncurrent_expiration_days": ("NoncurrentVersionExpiration", "NoncurrentDays"),
    "abort_upload_days": ("AbortIncompleteMultipartUpload", "DaysAfterInitiation"),
}
# Of a CORS rule: the option -> the field.
CORS_LISTS = {
    "allowed_origins": "AllowedOrigins",
    "allowed_methods": "AllowedMethods",
    "allowed_headers": "AllowedHeaders",
    "expose_headers": "ExposeHeaders",
}

Json = t.Dict[str, t.Any]


@dataclass(frozen=True)
class Aspect:
    """One aspect in the words of boto3; what a server answers first says what a bucket without it looks like."""

    get: str
    read: t.Callable[[Json], t.Any]
    put: str
    write: t.Callable[[t.Any], Json]
    # Where an empty value is not put, but the whole removed.
    delete: str = ""
    # The server's error codes for "there is none".
    absent: tuple[str, ...] = ()


def read_versioning(answer: Json) -> str:
    return str(answer.get("Status") or DISABLED).lower()


def write_versioning(status: str) -> Json:
    return {"VersioningConfiguration": {"Status": status.capitalize()}}


def read_object_lock(answer: Json) -> bool:
    return bool(answer.get("ObjectLockConfiguration", {}).get("ObjectLockEnabled") == "Enabled")


def read_rule(rule: Json) -> Json:
    """What no option can say stands under "other", so that a rule with it equals none that was asked for."""
    rest = {key: dict(part) if isinstance(part, dict) else part for key, part in rule.items()}
    scope = rest.pop("Filter", {})
    found: Json = {
        "id": rest.pop("ID", ""),
        "prefix": scope.pop("Prefix", "") or rest.get("Prefix", ""),
        "enabled": rest.pop("Status", "") == "Enabled",
    }
    rest.pop("Prefix", None)
    for option, (part, field) in ACTIONS.items():
        found[option] = rest.get(part, {}).pop(field, None) or None
    other = {key: part for key, part in {**rest, "Filter": scope}.items() if part}
    # Dates are no JSON.
    return {**found, "other": json.loads(json.dumps(other, sort_keys=True, default=str))} if other else found


def write_rule(rule: Json) -> Json:
    parts: Json = {}
    for option, (part, field) in ACTIONS.items():
        if rule[option]:
            parts.setdefault(part, {})[field] = rule[option]
    status = "Enabled" if rule["enabled"] else "Disabled"
    return {"ID": rule["id"], "Filter": {"Prefix": rule["prefix"]}, "Status": status, **parts}


def read_rules(answer: Json) -> list[Json]:
    return sorted((read_rule(rule) for rule in answer.get("Rules", [])), key=lambda rule: str(rule["id"]))


def write_rules(rules: list[Json]) -> Json:
    return {"LifecycleConfiguration": {"Rules": [write_rule(rule) for rule in rules]}}


def wanted_rules(rules: list[Json]) -> list[Json]:
    """Refuse what no server takes; a rule without an id still has none."""
    wanted: list[Json] = []
    for place, rule in enumerate(rules, 1):
        where = f"lifecycle_rules, item {place}"
        found = {"id": rule["id"] or "", "prefix": rule["prefix"] or "", "enabled": rule["enabled"]}
        found.update({option: rule[option] or None for option in ACTIONS})
        for option in ACTIONS:
            days = rule[option]
            if option.endswith("_days") and days is not None and days < 1:
                raise InvalidOption(f"{where}: {option} is {days}, but must be a whole number of at least 1.")
        if not any(found[option] for option in ACTIONS):
            raise InvalidOption(f"{where} does nothing. Set one of {', '.join(ACTIONS)}.")
        if found["expiration_days"] and found["expired_delete_markers"]:
            raise InvalidOption(
                f"{where} has both expiration_days and expired_delete_markers, which S3 takes in two rules only."
            )
        if len(found["id"]) > 255:
            raise InvalidOption(f"{where}: id is {len(found['id'])} characters long, and it may take at most 255.")
        if any(content(rule) == content(found) or (found["id"] and rule["id"] == found["id"]) for rule in wanted):
            raise InvalidOption(f"{where} is there twice, by its id or by what it says. Give every rule once.")
        wanted.append(found)
    return wanted


def content(rule: Json) -> str:
    return json.dumps({key: value for key, value in rule.items() if key != "id"}, sort_keys=True)


def identified(wanted: list[Json], found: list[Json]) -> list[Json]:
    """Give each rule without an id that of the rule which says the same, else one that follows from what it says."""
    given = {rule["id"] for rule in wanted}
    ids = {content(rule): rule["id"] for rule in found if rule["id"] not in given}
    named = [{**rule, "id": rule["id"] or ids.get(content(rule)) or made_id(rule)} for rule in wanted]
    return sorted(named, key=lambda rule: str(rule["id"]))


def made_id(rule: Json) -> str:
    return f"modelhub-{hashlib.sha256(content(rule).encode()).hexdigest()[:16]}"


def read_cors(answer: Json) -> list[Json]:
    """The order of the rules matters, the first that fits counts; that of what is in them does not."""
    return [
        {
            **{option: sorted(set(rule.get(field) or [])) for option, field in CORS_LISTS.items()},
            "max_age_seconds": rule.get("MaxAgeSeconds") or None,
        }
        for rule in answer.get("CORSRules", [])
    ]


def write_cors(rules: list[Json]) -> Json:
    written = [
        {
            **{field: rule[option] for option, field in CORS_LISTS.items() if rule[option]},
            **({"MaxAgeSeconds": rule["max_age_seconds"]} if rule["max_age_seconds"] else {}),
        }
        for rule in rules
    ]
    return {"CORSConfiguration": {"CORSRules": written}}


def wanted_cors(rules: list[Json]) -> list[Json]:
    for place, rule in enumerate(rules, 1):
        for option in ("allowed_origins", "allowed_methods"):
            if not rule[option]:
                raise InvalidOption(f"cors_rules, item {place}: {option} is empty. Name at least one.")
        for origin in rule["allowed_origins"]:
            if origin.count("*") > 1:
                raise InvalidOption(f'cors_rules, item {place}: "{origin}" has more than one "*", and S3 takes one.')
        if (rule["max_age_seconds"] or 0) < 0:
            raise InvalidOption(f"cors_rules, item {place}: max_age_seconds is less than 0.")
    return read_cors(write_cors(rules)["CORSConfiguration"])


def read_tags(answer: Json) -> dict[str, str]:
    return {tag["Key"]: tag["Value"] for tag in sorted(answer.get("TagSet", []), key=lambda tag: str(tag["Key"]))}


def write_tags(tags: dict[str, str]) -> Json:
    return {"Tagging": {"TagSet": [{"Key": key, "Value": value} for key, value in tags.items()]}}


def wanted_tags(tags: Json) -> dict[str, str]:
    """Values that YAML takes for something else than text are meant as they would be typed."""
    if len(tags) > 50:
        raise InvalidOption(f"tags has {len(tags)} tags, and S3 takes at most 50.")
    wanted: dict[str, str] = {}
    for key, value in sorted(tags.items(), key=lambda tag: str(tag[0])):
        if isinstance(value, (dict, list)):
            raise InvalidOption(f'tags: the value of "{key}" is no text.')
        text = "" if value is None else str(value).lower() if isinstance(value, bool) else str(value)
        if not 1 <= len(str(key)) <= 128 or len(text) > 256:
            raise InvalidOption(
                f'tags: "{str(key)[:128]}" and its value do not fit. S3 takes names of 1 to 128 characters '
                "and values of at most 256."
            )
        if str(key).lower().startswith("aws:"):
            raise InvalidOption(f'tags: "{key}" starts with "aws:", which S3 reserves.')
        wanted[str(key)] = text
    return wanted


def read_encryption(answer: Json) -> dict[str, str]:
    rules = answer.get("ServerSideEncryptionConfiguration", {}).get("Rules", [])
    default = rules[0].get("ApplyServerSideEncryptionByDefault", {}) if rules else {}
    found = {"algorithm": default.get("SSEAlgorithm"), "kms_key_id": default.get("KMSMasterKeyID")}
    return {key: value for key, value in found.items() if value}


def write_encryption(encryption: dict[str, str]) -> Json:
    default = {"SSEAlgorithm": encryption["algorithm"]}
    if "kms_key_id" in encryption:
        default["KMSMasterKeyID"] = encryption["kms_key_id"]
    return {"ServerSideEncryptionConfiguration": {"Rules": [{"ApplyServerSideEncryptionByDefault": default}]}}


def wanted_encryption(encryption: Json) -> dict[str, str]:
    wanted = {key: value for key, value in encryption.items() if value}
    if "kms_key_id" in wanted and wanted.get("algorithm") != "aws:kms":
        raise InvalidOption(
            "encryption has a kms_key_id, which only algorithm aws:kms uses. Set both, or leave it out."
        )
    return wanted


def read_policy(answer: Json) -> Json:
    text = answer.get("Policy") or ""
    return normal_policy(json.loads(text)) if text.strip() else {}


def write_policy(policy: Json) -> Json:
    return {"Policy": json.dumps(policy)}


def wanted_policy(text: str) -> Json:
    """text: a policy in JSON, or nothing."""
    if not text.strip():
        return {}
    try:
        policy = json.loads(text)
    except ValueError as exc:
        raise InvalidOption(f"policy is no JSON: {exc}. Give a dictionary, or its text in JSON.") from exc
    if not isinstance(policy, dict) or (policy and not isinstance(policy.get("Statement"), (dict, list))):
        raise InvalidOption('policy is no policy: it has no "Statement". Give a dictionary with a list of statements.')
    for statement in _listed(policy.get("Statement", [])):
        if not isinstance(statement, dict) or statement.get("Effect") not in ("Allow", "Deny"):
            raise InvalidOption('policy: each of its statements must be a dictionary with "Effect": "Allow" or "Deny".')
    return normal_policy(policy) if policy else {}


def normal_policy(policy: Json) -> Json:
    """The policy in the form in which two that mean the same are the same."""
    statements = [_statement(statement) for statement in _listed(policy.get("Statement", []))]
    unique = {json.dumps(statement, sort_keys=True): statement for statement in statements}
    found: Json = {
        "Version": policy.get("Version") or "2008-10-17",
        "Statement": [unique[key] for key in sorted(unique)],
    }
    return {**found, "Id": policy["Id"]} if policy.get("Id") else found


def _statement(statement: Json) -> Json:
    found: Json = {}
    for key, value in statement.items():
        if key in ("Principal", "NotPrincipal"):
            found[key] = _principal(value)
        elif key == "Condition":
            found[key] = {test: {name: _texts(what) for name, what in of.items()} for test, of in value.items() if of}
        elif key in ("Effect", "Sid"):
            found[key] = value
        else:
            found[key] = _texts(value)
    return {key: value for key, value in found.items() if value}


def _principal(value: t.Any) -> Json:
    principals = {"AWS": value} if isinstance(value, str) else value
    return {
        kind: [re.sub(r"^([0-9]{12})$", r"arn:aws:iam::\1:root", name) for name in _texts(names)]
        for kind, names in principals.items()
    }


def _listed(value: t.Any) -> list[t.Any]:
    return value if isinstance(value, list) else [value]


def _texts(value: t.Any) -> list[str]:
    return sorted({str(one).lower() if isinstance(one, bool) else str(one) for one in _listed(value)})


# In the order in which they are changed: a policy may forbid the rest, so it comes last.
ASPECTS: dict[str, Aspect] = {
    "versioning": Aspect("get_bucket_versioning", read_versioning, "put_bucket_versioning", write_versioning),
    "object_lock": Aspect(
        # Nothing to put: S3 takes it when the bucket is created.
        *("get_object_lock_configuration", read_object_lock, "", lambda _value: {}),
        absent=("ObjectLockConfigurationNotFoundError", "NoSuchObjectLockConfiguration"),
    ),
    "lifecycle_rules": Aspect(
        *("get_bucket_lifecycle_configuration", read_rules, "put_bucket_lifecycle_configuration", write_rules),
        *("delete_bucket_lifecycle", ("NoSuchLifecycleConfiguration",)),
    ),
    "cors_rules": Aspect(
        *("get_bucket_cors", read_cors, "put_bucket_cors", write_cors),
        *("delete_bucket_cors", ("NoSuchCORSConfiguration",)),
    ),
    "tags": Aspect(
        *("get_bucket_tagging", read_tags, "put_bucket_tagging", write_tags),
        *("delete_bucket_tagging", ("NoSuchTagSet", "NoSuchTagSetError")),
    ),
    "encryption": Aspect(
        *("get_bucket_encryption", read_encryption, "put_bucket_encryption", write_encryption),
        *("delete_bucket_encryption", ("ServerSideEncryptionConfigurationNotFoundError",)),
    ),
    "policy": Aspect(
        *("get_bucket_policy", read_policy, "put_bucket_policy", write_policy),
        *("delete_bucket_policy", ("NoSuchBucketPolicy",)),
    ),
}
# What a bucket has that was just created.
NEW: Json = {name: aspect.read({}) for name, aspect in ASPECTS.items()}
