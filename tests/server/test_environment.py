"""What the environment may say, and the one sentence for what it may not."""

import os
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest

from recibo.server import environment
from recibo.server.environment import read
from recibo.server.values import SettingError


def told(tmp_path: Path, **variables: str) -> environment.Environment:
    return read({"RECIBO_HOME": str(tmp_path), **variables})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DATABASE_URL", "mysql://here"),
        ("DATABASE_URL", "http://["),
        ("RECIBO_PUBLIC_URL", "example.com"),
        ("RECIBO_PUBLIC_URL", "http://["),
        ("RECIBO_TIME_ZONE", "Brazil/Nowhere"),
        ("RECIBO_LANGUAGE", "klingon"),
        ("RECIBO_EVENT_RETRY_DELAYS", "5 minutes"),
        ("RECIBO_EVENT_RETRY_DELAYS", "99999999999d"),
        ("RECIBO_API_RATE", "-1"),
        ("RECIBO_API_RATE", "many"),
        ("RECIBO_CORS_ORIGINS", "app.example.com"),
        ("RECIBO_CORS_ORIGINS", "https://app.example.com/,*"),
        ("ASAAS_API_URL", "https://"),
        ("ASAAS_API_URL", "https://api.example.com/v3"),
    ],
)
def test_a_setting_that_cannot_be_right_is_one_sentence_that_names_it(
    tmp_path: Path, name: str, value: str
) -> None:
    with pytest.raises(SettingError, match=name) as error:
        told(tmp_path, **{name: value})
    assert "\n" not in str(error.value)


def test_durations_read_as_they_are_written(tmp_path: Path) -> None:
    delays = told(tmp_path, RECIBO_EVENT_RETRY_DELAYS="90s, 15m,2h,7d").event_retry_delays
    seconds = [delay.total_seconds() for delay in delays]
    assert seconds == [90, 900, 7200, timedelta(days=7).total_seconds()]


def test_sites_that_may_call_the_api_are_none_unless_named(tmp_path: Path) -> None:
    assert told(tmp_path).cors_origins == ()
    named = told(tmp_path, RECIBO_CORS_ORIGINS="https://a.example.com, http://localhost:3000")
    assert named.cors_origins == ("https://a.example.com", "http://localhost:3000")


def test_a_secret_of_two_settings_needs_both(tmp_path: Path) -> None:
    assert "stone" not in told(tmp_path, STONE_WEBHOOK_USER="u").webhook_secrets
    both = told(tmp_path, STONE_WEBHOOK_USER="u", STONE_WEBHOOK_PASSWORD="p")
    assert both.webhook_secrets["stone"] == (b"u:p",)


def test_secrets_do_not_show_when_the_environment_is_printed(tmp_path: Path) -> None:
    shown = repr(told(tmp_path, HOTMART_WEBHOOK_TOKEN="hush", RECIBO_SECRET_KEY="hush-too"))
    assert "hush" not in shown


def test_the_variable_goes_before_the_files_and_the_folder_before_the_home(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home, folder = tmp_path / "home", tmp_path / "folder"
    home.mkdir()
    folder.mkdir()
    (home / ".env").write_text("A_SETTING=home\nB_SETTING=home\nC_SETTING=home\n")
    (folder / ".env").write_text(f"RECIBO_HOME={home}\nA_SETTING=folder\nB_SETTING=folder\n")
    monkeypatch.chdir(folder)
    monkeypatch.delenv("RECIBO_HOME")
    monkeypatch.setenv("A_SETTING", "variable")
    found = environment.collect()
    assert [found[f"{letter}_SETTING"] for letter in "ABC"] == ["variable", "folder", "home"]


def test_of_several_first_starts_one_makes_the_key_and_all_have_it(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        keys = set(pool.map(lambda _: environment.kept_secret_key(tmp_path), range(16)))
    assert len(keys) == 1
    assert len(keys.pop()) > 40
    assert (tmp_path / "secret_key").stat().st_mode & 0o077 == 0
    assert [path.name for path in tmp_path.iterdir()] == ["secret_key"]


def test_root_keeps_its_data_where_the_database_can_reach_it() -> None:
    if os.geteuid() == 0:
        assert environment.home_of({}) == Path("/var/lib/recibo")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("RECIBO_PAYMENT_CHECK_DELAYS", "often"),
        ("RECIBO_PAYMENT_CHECK_DELAYS", "0s"),
        ("RECIBO_PAYMENT_CHECK_DELAYS", "cubic:5m"),
        ("RECIBO_PAYMENT_CHECK_GIVE_UP", "never"),
        ("RECIBO_PAYMENT_CHECK_MIN_AGE", "10"),
        ("RECIBO_REACT_WITHIN", "a week"),
    ],
)
def test_polling_that_cannot_be_is_refused(tmp_path: Path, name: str, value: str) -> None:
    with pytest.raises(SettingError, match=f"^{name} must"):
        told(tmp_path, **{name: value})


def test_polling_is_by_the_method_and_without_an_end_of_its_own_unless_set(tmp_path: Path) -> None:
    usual = told(tmp_path)
    assert (usual.payment_check_delays, usual.payment_check_give_up) == (None, None)
    assert usual.payment_check_min_age == timedelta(minutes=10)
    assert usual.react_within == timedelta(days=7)
    chosen = told(
        tmp_path, RECIBO_PAYMENT_CHECK_DELAYS="15m,1h", RECIBO_PAYMENT_CHECK_GIVE_UP="30d"
    )
    assert chosen.payment_check_delays is not None
    assert chosen.payment_check_delays.after(9) == timedelta(hours=1)
    assert chosen.payment_check_give_up == timedelta(days=30)
