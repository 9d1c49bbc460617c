"""Whose telemetry it is."""

from opentelemetry.sdk.resources import SERVICE_NAME, Resource

from mcp_obs._configuration import Configuration


def resource_of(configuration: Configuration) -> Resource:
    """The resource of everything that is sent, with what the OTEL_* variables say."""
    return Resource.create({SERVICE_NAME: configuration.server_name} if configuration.server_name else {})
