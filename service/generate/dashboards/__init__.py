"""Grafana's dashboards, as classic JSON: made from the catalogue, written where Grafana's provisioning reads them."""
