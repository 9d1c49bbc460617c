"""Lengths of time on the command line."""

import re

import click

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}


class Duration(click.ParamType[float]):
    """A length of time such as `90s`, `10m`, `2h` or `1d`, in seconds."""

    name = "DURATION"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Read `10m` as 600."""
        if isinstance(value, float):
            return value
        match = re.fullmatch(r"([0-9]{1,6})([smhd])", str(value))
        if match is None or int(match[1]) == 0:
            self.fail(f"{value!r} is no length of time; write it like 90s, 10m or 2h.", param, ctx)
        return float(int(match[1]) * _UNITS[match[2]])
