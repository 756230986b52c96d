"""The environment, read."""

import dataclasses
from pathlib import Path

import pytest

from service.core.errors import ConfigurationError
from service.settings import Settings

WHOLE = [field.metadata["variable"] for field in dataclasses.fields(Settings) if field.type in (int, int | None)]


def test_an_empty_environment_gives_the_defaults_of_the_contract() -> None:
    settings = Settings.read({})
    assert settings == Settings()
    assert settings.database_url is None
    assert settings.data_dir == Path(".frontline")
    assert settings.admin_key is None
    assert settings.max_sites == 1000
    assert settings.live_horizon_seconds == 3600


_TEXTS = {
    "log_level": "DEBUG",
    "read_key_required": "no",
    "admin_key": "a" * 22,
    "read_key": "r" * 22,
    "pseudonym_key": "p" * 22,
}


def test_every_variable_is_read() -> None:
    environment = {
        field.metadata["variable"]: _TEXTS.get(
            field.name, "10007" if field.metadata["variable"] in WHOLE else "some-text"
        )
        for field in dataclasses.fields(Settings)
    }
    settings = Settings.read(environment)
    for field in dataclasses.fields(Settings):
        expected: object = _TEXTS.get(field.name, "some-text")
        if field.metadata["variable"] in WHOLE:
            expected = 10007
        elif field.type == bool | None:
            expected = False
        elif field.type in (Path, Path | None):
            expected = Path("some-text")
        assert getattr(settings, field.name) == expected


def test_every_setting_is_described() -> None:
    variables = [field.metadata["variable"] for field in dataclasses.fields(Settings)]
    assert len(variables) == len(set(variables))
    for field in dataclasses.fields(Settings):
        assert field.metadata["variable"].startswith("FRONTLINE_")
        assert field.metadata["help"]


def test_an_empty_variable_counts_as_not_set_and_blanks_are_cut() -> None:
    environment = {
        "FRONTLINE_ADMIN_KEY": "",
        "FRONTLINE_MAX_SITES": "  ",
        "FRONTLINE_DATABASE_URL": " postgresql://db ",
    }
    settings = Settings.read(environment)
    assert (settings.admin_key, settings.max_sites) == (None, 1000)
    assert settings.database_url == "postgresql://db"


def test_variables_of_others_are_passed_over() -> None:
    assert Settings.read({"FRONTLINE_TEST_DATABASE_URL": "x", "PATH": "/bin"}) == Settings()


@pytest.mark.parametrize("variable", WHOLE)
@pytest.mark.parametrize("text", ["many", "-1", "1.5", "1e3", "0x10", "\uff11\uff12", "1 000"])
def test_what_is_no_whole_number_is_refused_naming_the_variable(variable: str, text: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        Settings.read({variable: text})
    assert variable in str(caught.value)
    assert repr(text) in str(caught.value)


def test_retention_is_off_unless_it_is_asked_for_and_too_short_a_one_is_refused_with_its_reason() -> None:
    assert Settings.read({}).retention_days is None
    assert Settings.read({"FRONTLINE_RETENTION_DAYS": "31"}).retention_days == 31
    with pytest.raises(ConfigurationError, match="31 or more: a case is settled after 30 days"):
        Settings.read({"FRONTLINE_RETENTION_DAYS": "30"})


@pytest.mark.parametrize("text", ["0", "65536"])
def test_a_port_is_one_that_there_is(text: str) -> None:
    with pytest.raises(ConfigurationError, match=r"FRONTLINE_METRICS_PORT is '.*'; it must be .* 1 to 65535"):
        Settings.read({"FRONTLINE_METRICS_PORT": text})


def test_settings_do_not_change() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        Settings().max_sites = 5  # type: ignore[misc]  # what mypy forbids too


@pytest.mark.parametrize(
    ("environment", "needed"),
    [
        ({}, False),
        ({"FRONTLINE_DATABASE_URL": "postgresql://db/frontline"}, True),
        ({"FRONTLINE_READ_KEY_REQUIRED": "on"}, True),
        ({"FRONTLINE_DATABASE_URL": "postgresql://db/frontline", "FRONTLINE_READ_KEY_REQUIRED": "False"}, False),
        ({"FRONTLINE_DATABASE_URL": "postgresql://db/frontline", "FRONTLINE_READ_KEY_REQUIRED": ""}, True),
    ],
)
def test_reading_takes_a_key_where_the_database_is_a_server_s(environment: dict[str, str], needed: bool) -> None:
    assert Settings.read(environment).reading_needs_key is needed


def test_a_switch_is_either_on_or_off() -> None:
    with pytest.raises(
        ConfigurationError, match=r"FRONTLINE_READ_KEY_REQUIRED is 'maybe'; it must be one of true, false"
    ):
        Settings.read({"FRONTLINE_READ_KEY_REQUIRED": "maybe"})


@pytest.mark.parametrize(
    "variable",
    ["FRONTLINE_ADMIN_KEY", "FRONTLINE_READ_KEY", "FRONTLINE_PSEUDONYM_KEY", "FRONTLINE_ENCRYPTION_KEY"],
)
def test_the_secret_of_an_example_is_refused_and_a_short_one_is_told_of_but_not_shown(variable: str) -> None:
    for placeholder in ("RANDOM", "PASSWORD"):
        with pytest.raises(ConfigurationError, match=f"{variable} is still what an example has") as caught:
            Settings.read({variable: placeholder})
        assert placeholder not in str(caught.value)
    short, long = Settings.read({variable: "x" * 21}), Settings.read({variable: "x" * 22})
    assert (short.guessable, long.guessable, Settings.read({}).guessable) == ((variable,), (), ())
    for settings in (short, long):
        assert "x" * 21 not in repr(settings)


def test_the_read_key_is_not_the_admin_key() -> None:
    with pytest.raises(ConfigurationError, match="FRONTLINE_READ_KEY is the admin key"):
        Settings.read({"FRONTLINE_ADMIN_KEY": "x" * 32, "FRONTLINE_READ_KEY": "x" * 32})
