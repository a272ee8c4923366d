"""Unit tests of the filter traefik_labels."""

from __future__ import annotations

from ansible_collections.opengeoai.modelhub.plugins.filter.traefik_labels import traefik_labels

ROUTES = [
    {"name": "mlflow", "host": "mlflow.example.org", "backend": "http://mlflow:5000", "entry_point": "websecure"},
    {"name": "minio-api", "host": "s3.example.org", "backend": "http://minio:9000", "entry_point": "s3"},
    {"name": "minio", "host": "console.example.org", "backend": "http://minio:9001", "entry_point": "websecure"},
    {"name": "dashboard", "host": "traefik.example.org", "backend": "", "entry_point": "websecure"},
]


def test_one_route() -> None:
    assert traefik_labels(ROUTES, "mlflow", "", "edge") == {
        "traefik.enable": "true",
        "traefik.docker.network": "edge",
        "traefik.http.routers.mlflow.rule": "Host(`mlflow.example.org`)",
        "traefik.http.routers.mlflow.entrypoints": "websecure",
        "traefik.http.routers.mlflow.service": "mlflow",
        "traefik.http.services.mlflow.loadbalancer.server.port": "5000",
    }


def test_two_routes_of_one_container_with_a_prefix() -> None:
    labels = traefik_labels(ROUTES, "minio", "staging-", "edge")
    assert labels["traefik.http.routers.staging-minio-api.entrypoints"] == "s3"
    assert labels["traefik.http.services.staging-minio-api.loadbalancer.server.port"] == "9000"
    assert labels["traefik.http.services.staging-minio.loadbalancer.server.port"] == "9001"


def test_a_container_without_a_route_has_no_label() -> None:
    assert traefik_labels(ROUTES, "postgres", "", "edge") == {}


def test_a_backend_with_tls_is_asked_by_its_name() -> None:
    routes = [{**ROUTES[0], "backend": "https://mlflow:5000"}]
    labels = traefik_labels(routes, "mlflow", "", "edge")
    assert labels["traefik.http.services.mlflow.loadbalancer.server.scheme"] == "https"
    assert labels["traefik.http.services.mlflow.loadbalancer.serverstransport"] == "inside-mlflow@file"
