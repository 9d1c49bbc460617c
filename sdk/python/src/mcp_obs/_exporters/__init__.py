"""The exporters of the OpenTelemetry SDK's pipeline, one a file; each file is imported when it is asked for."""
