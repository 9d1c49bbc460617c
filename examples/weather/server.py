"""A weather service as an MCP server: mcp 2.x, streamable HTTP.

The climate is made up from each city's latitude, so answers need no network and are plausible.
"""

import argparse
import asyncio
import json
import math
import os
import random
from collections.abc import Mapping
from typing import Annotated, Literal

from mcp.server import MCPServer
from mcp.server.auth.provider import AccessToken
from mcp.server.auth.settings import AuthSettings
from mcp.server.mcpserver.exceptions import ResourceNotFoundError, ToolError
from pydantic import AnyHttpUrl, BaseModel, Field

import mcp_obs

Units = Literal["metric", "imperial"]
Summary = Literal["clear", "cloudy", "rain", "snow"]
City = Annotated[str, Field(description="City name in English, for example 'Lisbon'")]

LATITUDES = {
    "Amsterdam": 52.4,
    "Berlin": 52.5,
    "Cairo": 30.0,
    "Lima": -12.0,
    "Lisbon": 38.7,
    "Mumbai": 19.1,
    "Nairobi": -1.3,
    "Oslo": 59.9,
    "Sydney": -33.9,
    "Tokyo": 35.7,
}
STATIONS_WITHOUT_AIR_SENSOR = {"Lima", "Nairobi"}
ALERTS = {"europe": ["Storm warning: North Sea coast"], "asia": ["Heavy rain: Mumbai"], "africa": []}

weather_of_the_day = random.Random(11)


class Conditions(BaseModel):
    """What a station measures now."""

    city: str
    temperature: float
    wind_speed: float
    summary: Summary


class Day(BaseModel):
    """One day of a forecast."""

    day: int
    high: float
    low: float


class StaticTokens:
    """Accepts the bearer tokens it was given; each belongs to one user."""

    def __init__(self, users: Mapping[str, str]) -> None:
        self._users = users

    async def verify_token(self, token: str) -> AccessToken | None:
        """Return the token's owner, or None for a token nobody was given."""
        if (user := self._users.get(token)) is None:
            return None
        return AccessToken(token=token, client_id=user, subject=user, scopes=["weather:read"])


def create_server(users: Mapping[str, str]) -> MCPServer:
    """Build the server; with `users` (token to user) it asks for a bearer token."""
    if not users:
        return MCPServer("weather", version="3.2.0", log_level="WARNING")
    return MCPServer(
        "weather",
        version="3.2.0",
        log_level="WARNING",
        token_verifier=StaticTokens(users),
        auth=AuthSettings(issuer_url=AnyHttpUrl("https://accounts.example.com"), resource_server_url=None),
    )


server = create_server(json.loads(os.environ.get("EXAMPLE_USERS", "{}")))

mcp_obs.configure_mcp_telemetry(server_name="weather")
mcp_obs.instrument(server)


@server.tool()
async def current_weather(city: City, units: Units = "metric") -> Conditions:
    """Current conditions in a city."""
    latitude = await locate(city)
    temperature = climate(latitude, month=11)
    mild: list[Summary] = ["clear", "cloudy", "rain"]
    return Conditions(
        city=city,
        temperature=in_units(temperature, units),
        wind_speed=round(weather_of_the_day.uniform(0, 14), 1),
        summary="snow" if temperature < 0 else weather_of_the_day.choice(mild),
    )


@server.tool()
async def forecast(
    city: City, days: Annotated[int, Field(ge=1, le=14)] = 5, units: Units = "metric"
) -> list[Day]:
    """Daily highs and lows; the model runs longer the further it looks ahead."""
    latitude = await locate(city)
    await asyncio.sleep(0.03 * days)
    mean = climate(latitude, month=11)
    return [
        Day(day=day, high=in_units(mean + 4 + day % 3, units), low=in_units(mean - 4 - day % 2, units))
        for day in range(1, days + 1)
    ]


@server.tool()
async def air_quality(city: City) -> dict[str, int]:
    """Fine particles and ozone in micrograms per cubic metre."""
    latitude = await locate(city)
    if city in STATIONS_WITHOUT_AIR_SENSOR:
        raise ConnectionError(f"station {city!r} does not answer")
    return {"pm2_5": round(30 - abs(latitude) / 3), "ozone": round(40 + abs(latitude) / 2)}


@server.tool()
async def historical_average(city: City, month: Annotated[int, Field(ge=1, le=12)]) -> float:
    """Mean temperature of a month over thirty years, in degrees Celsius."""
    latitude = await locate(city)
    await asyncio.sleep(weather_of_the_day.uniform(0.15, 0.4))
    return round(climate(latitude, month), 1)


@server.tool()
async def severe_weather_alerts(region: Literal["europe", "asia", "africa", "oceania"]) -> list[str]:
    """Warnings in force for a region."""
    await asyncio.sleep(0.01)
    if region not in ALERTS:
        raise ToolError(f"No alert feed covers {region}")
    return ALERTS[region]


@server.tool()
async def compare_cities(cities: Annotated[list[str], Field(min_length=2, max_length=5)]) -> list[Conditions]:
    """Current conditions of several cities, warmest first."""
    conditions = [await current_weather(city) for city in cities]
    return sorted(conditions, key=lambda each: each.temperature, reverse=True)


@server.resource("weather://stations")
def stations() -> str:
    """Every station with its latitude."""
    return json.dumps(LATITUDES)


@server.resource("weather://stations/{city}")
def station(city: str) -> str:
    """One station's position and sensors."""
    if city not in LATITUDES:
        raise ResourceNotFoundError(f"There is no station in {city}")
    return json.dumps({"latitude": LATITUDES[city], "air_sensor": city not in STATIONS_WITHOUT_AIR_SENSOR})


@server.prompt()
def packing_list(city: str, days: str) -> str:
    """What to pack for a trip."""
    return f"Look up the forecast for {days} days in {city} and write a packing list for one carry-on bag."


async def locate(city: str) -> float:
    """Return the city's latitude.

    Raises:
        ToolError: no station stands there.
    """
    await asyncio.sleep(weather_of_the_day.uniform(0.005, 0.03))
    if city not in LATITUDES:
        raise ToolError(f"Unknown city: {city}")
    return LATITUDES[city]


def climate(latitude: float, month: int) -> float:
    """Mean temperature in degrees Celsius at a latitude in a month."""
    season = math.cos((month - 7) / 12 * 2 * math.pi) * (1 if latitude >= 0 else -1)
    return 28 - abs(latitude) * 0.42 + season * abs(latitude) * 0.22


def in_units(celsius: float, units: Units) -> float:
    """Convert degrees Celsius for display."""
    return round(celsius if units == "metric" else celsius * 9 / 5 + 32, 1)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=8001)
    server.run("streamable-http", port=parser.parse_args().port)
