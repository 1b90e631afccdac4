"""Settings: frozen, and the only reader of the environment. A process reads the class with the settings it needs."""

from app.settings.reading import changed_settings, read_settings
from app.settings.settings import (
    LARGEST_GROUP,
    LONGEST_MESSAGE,
    LOOPBACK,
    MAX_WINDOW,
    MOST_UNITS,
    PLACEHOLDERS,
    AwsSettings,
    DatabaseSettings,
    ErasureSettings,
    MetricsSettings,
    NameSettings,
    ProcessSettings,
    ServerSettings,
    Settings,
    StoreSettings,
    TableSettings,
    ValkeySettings,
)

__all__ = [
    "LARGEST_GROUP", "LONGEST_MESSAGE", "LOOPBACK", "MAX_WINDOW", "MOST_UNITS", "PLACEHOLDERS", "AwsSettings",
    "DatabaseSettings", "ErasureSettings", "MetricsSettings", "NameSettings", "ProcessSettings",
    "ServerSettings", "Settings", "StoreSettings", "TableSettings", "ValkeySettings", "changed_settings",
    "read_settings",
]  # fmt: skip
