"""No secret gets out, and whatever a value is, it becomes JSON of bounded length."""

import json
import re
import time
from collections.abc import Callable
from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from inline_snapshot import snapshot
from sdk_kit.payloads import REDACTOR, begun, call
from sdk_kit.recording import Recording, Way

from mcp_obs._details import Details
from mcp_obs._privacy.redactor import LOOKAHEAD, Redactor
from mcp_obs._privacy.secret_names import secret_names
from mcp_obs._privacy.settings import Privacy
from mcp_obs._privacy.shapes import Shapes
from mcp_obs._privacy.writer import write


def test_a_shape_is_bounded_and_its_names_have_no_secrets():
    shapes = Shapes(REDACTOR)
    shape = shapes.of_arguments(
        {"ada@example.com": 1, "n" * 200: "x", **{f"a{number}": None for number in range(99)}}
    )
    assert shape.is_cut
    assert len(shape.text) < 1024
    assert "ada" not in shape.text
    assert next(iter(json.loads(shape.text).items())) == ("[redacted email]", "integer")
    assert not shapes.of_arguments({"a0": 1}).is_cut


SECRET_NAMES = [
    *(
        "password",
        "DB_PASSWORD",
        "userPassword",
        "authToken",
        "X-Api-Key",
        "apikey",
        "secret",
        "Authorization",
    ),
    *("client_secret", "privateKey", "my iban", "IBAN", "set-cookie", "pin"),
    *("pass", "SMTP_PASS", "smtpPass", "DBPASS", "db_pass_2", "pw", "AccountKey", "storage_account_key1"),
    *("sig", "X-Amz-Signature", "X-Hub-Signature-256", "sharedaccesssignature", "pre-shared key"),
]
OTHER_NAMES = [
    *("max_tokens", "tokenizer", "secretary", "author", "key", "monkey", "pinned", "city"),
    *("passenger", "bypass", "compass", "pass_rate", "passThrough", "passed", "account_keywords", "account"),
    *("signal", "design", "sig_figs", "signature_version", "signatureHelp", "sigma", "response", "2", "_"),
]


def test_names_of_secrets_are_known():
    is_secret = secret_names(["my-iban", "iban"])
    assert [name for name in (*SECRET_NAMES, *OTHER_NAMES) if is_secret(name)] == SECRET_NAMES


# One of every shape, none of them ever valid.
JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhZGEifQ.c2lnbmF0dXJlc2lnbmF0dXJl"
PEM = "-----BEGIN RSA PRIVATE KEY-----\nMIIEowIBAAKCAQEA7\nc2VjcmV0\n-----END RSA PRIVATE KEY-----"
A = "aB3dE5gH7jK9mN1pQ3sT5vX7zA9cE1gH3jK5"
SECRETS: dict[str, tuple[str, str]] = {
    "mcp-obs": (f"mcpobs_live_{A}", A),
    "AWS": ("AKIAIOSFODNN7EXAMPLE", "IOSFODNN7EXAMPLE"),
    "GitHub": (f"ghp_{A}", A),
    "GitHub, fine-grained": (f"github_pat_{A}", A),
    "GitLab": (f"glpat-{A}", A),
    "OpenAI": (f"sk-proj-{A}", A),
    "Anthropic": (f"sk-ant-api03-{A}", A),
    "Stripe": (f"sk_live_{A}", A),
    "Slack": (f"xoxb-{A}", A),
    "Google": (f"AIza{A}", A),
    "SendGrid": (f"SG.{A}.{A}", A),
    "npm": (f"npm_{A}", A),
    "PyPI": (f"pypi-{A}", A),
    "Hugging Face": (f"hf_{A}", A),
    "Twilio": ("SK0123456789abcdef0123456789abcdef", "0123456789abcdef"),
    "Telegram": ("123456789:AAF0123456789abcdefghijklmnopqrstuv", "0123456789abcdef"),
    "JWT": (JWT, "c2lnbmF0dXJlc2lnbmF0dXJl"),
    "bearer": ("Authorization: Bearer opaque0token0value", "opaque0token0value"),
    "basic": ("Basic YWRhOmxvdmVsYWNl", "YWRhOmxvdmVsYWNl"),
    "private key": (PEM, "MIIEowIBAAKCAQEA7"),
    "card": ("4111 1111 1111 1111", "4111 1111 1111 1111"),
    "card without groups": ("378282246310005", "378282246310005"),
    "card with dashes": ("5555-5555-5555-4444", "5555-5555-5555-4444"),
    "e-mail": ("ada.lovelace@example.co.uk", "ada.lovelace"),
    "URL": ("postgres://ada:hunter2secret@db/x", "hunter2secret"),
    "configuration": ("DB_PASSWORD=hunter2secret", "hunter2secret"),
    "mail server": ("SMTP_PASS=hunter2secret", "hunter2secret"),
    "connection string": ("AccountName=a;AccountKey=hunter2secret/+==;Suffix=b", "hunter2secret"),
    "shared access": ("https://x.example/?sv=2024-11-04&sig=hunter2secret%3D", "hunter2secret"),
    "signed URL": ("https://x.example/?X-Amz-Date=1&X-Amz-Signature=hunter2secret", "hunter2secret"),
    "digest": (
        'Authorization: Digest username="ada", nonce="1", response="hunter2secret", qop=auth',
        "hunter2secret",
    ),
    "broken JSON": ('log: {"password": "hunter2secret", ', "hunter2secret"),
    "broken JSON in JSON": (r"log: {\"password\": \"hunter2secret\", ", "hunter2secret"),
    "assignment": ('password := "hunter2secret"', "hunter2secret"),
    "three quotation marks": ('password = """it is "hunter2secret"""', "hunter2secret"),
    "three apostrophes": ("password = '''hunter2secret'''", "hunter2secret"),
    "query": ("https://x.example/?a=1&access_token=hunter2secret&b=2", "hunter2secret"),
}
WRAPS: list[Callable[[Any], Any]] = [
    lambda value: {"query": value},
    lambda value: [1, value, None],
    lambda value: (value,),
    lambda value: {"a": {"b": value}, "c": 2},
    json.dumps,
    lambda value: json.dumps({"inner": value}),
    lambda value: json.dumps([value], indent=2),
    lambda value: json.dumps({"inner": value}, ensure_ascii=False),
    lambda value: {value: 1} if isinstance(value, str) else [value],
    lambda value: f"see {value} there" if isinstance(value, str) else [value],
    lambda value: f"1 line\n{value}\n2 lines" if isinstance(value, str) else [value],
    lambda value: f"broken: {json.dumps(value)}," if isinstance(value, str) else [value],
]


@settings(max_examples=600)
@given(st.sampled_from(list(SECRETS.values())), st.lists(st.sampled_from(WRAPS), max_size=6))
def test_no_secret_survives_wherever_it_stands(secret: tuple[str, str], wraps: list[Callable[[Any], Any]]):
    value: Any = secret[0]
    for wrap in wraps:
        value = wrap(value)
    written = write(value, 8192, REDACTOR, None, ())
    assert secret[1] not in written.text
    assert written.redacted
    json.loads(written.text)


@settings(max_examples=300)
@given(
    st.sampled_from([each for each in SECRETS.values() if len(each[0]) < LOOKAHEAD]),
    st.integers(0, 300),
    st.sampled_from(["", "word ", '{"text": "']),
)
def test_no_part_of_a_secret_survives_where_a_text_is_cut(secret: tuple[str, str], before: int, start: str):
    text = start + "." * before + " " + secret[0] + " after" * 3000
    written = write([text], 256, REDACTOR, None, ()).text
    # What identifies it is hidden with its first characters, as far as they are in what is recorded.
    assert not any(secret[1][:length] in written for length in range(8, len(secret[1])))


@pytest.mark.parametrize("name", ["password", "token", "secret", "Authorization", "apiKey"])
@given(value=st.recursive(st.none() | st.booleans() | st.integers() | st.floats() | st.text(), st.lists))
def test_a_value_with_the_name_of_a_secret_is_redacted_whatever_it_is(name: str, value: Any):
    for outer in ({name: value}, {"in": [{name: value}]}, json.dumps({name: value})):
        written = write(outer, 8192, REDACTOR, None, ())
        assert f'"{name}":"[redacted secret]"'.replace('"', "") in re.sub(r'[\\"]', "", written.text)


FISH = "swordfish"
NESTED = st.recursive(
    st.sampled_from([FISH, f"}}{FISH}]", f"'{FISH}", f'"{FISH}{{', f"{FISH}\\", f"[it's {FISH}"]),
    lambda inner: (
        st.lists(inner, min_size=1) | st.dictionaries(st.text("a{}[]'\"\\", max_size=4), inner, min_size=1)
    ),
)
# What can't be parsed as a whole.
AROUND: dict[str, Callable[[Any], str]] = {
    "a sentence": lambda value: f"Result: {json.dumps(value)} end",
    "a sentence with JSON in JSON": lambda value: f"Result: {json.dumps(json.dumps(value))} end",
    "lines of JSON": lambda value: f'{{"a": 1}}\n{json.dumps(value)}\n{{"end": 1}}',
    "server-sent events": lambda value: f"data: {json.dumps(value)}\n\ndata: end",
    "a lone surrogate": lambda value: json.dumps([value, "\ud800 end"]),
    "a repr": lambda value: f"Got {value!r} at the end",
    "a repr of tuples": lambda value: f"Got {_with_tuples(value)!r} at the end",
}


def _with_tuples(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _with_tuples(member) for name, member in cast("dict[str, Any]", value).items()}
    return tuple(map(_with_tuples, cast("list[Any]", value))) if isinstance(value, list) else value


@pytest.mark.parametrize("around", AROUND.values(), ids=AROUND)
@settings(max_examples=200)
@given(value=NESTED)
def test_a_secret_in_a_text_goes_to_its_own_end_however_deep_it_is(around: Callable[[Any], str], value: Any):
    text = REDACTOR.text(around({"password": value}))
    assert FISH not in text
    assert "end" in text


@pytest.mark.parametrize(
    ("text", "redacted"),
    [
        ("{'password': b'sword fish'} end", "{'password': b'[redacted secret]'} end"),
        ("Login(token=Token(value='a)b', n=1)) end", "Login(token=Token[redacted secret]) end"),
        ("password: 'it's me' end", "password: '[redacted secret]' end"),
        ("password: ['a', 'b", "password: [redacted secret]"),
        ("secrets: {'a': {", "secrets: [redacted secret]"),
    ],
)
def test_a_secret_as_python_shows_it_is_redacted(text: str, redacted: str):
    assert REDACTOR.text(text) == redacted


@pytest.mark.parametrize(
    ("text", "redacted"),
    [
        ('password = """a "b"\nc"""\nend', 'password = "[redacted secret]"""\nend'),
        ("password = b'''a\n'b''' end", "password = b'[redacted secret]''' end"),
        (r"password = \"\"\"a\"\"\" end", r"password = \"[redacted secret]\"\"\" end"),
        ('password = """a b', 'password = "[redacted secret]'),
        ('password = "", b = "end"', 'password = "", b = "end"'),
        ('password := "a b" end', 'password := "[redacted secret]" end'),
        ("password := a end", "password := [redacted secret] end"),
    ],
)
def test_a_secret_as_code_has_it_goes_to_its_own_end(text: str, redacted: str):
    assert REDACTOR.text(text) == redacted


@pytest.mark.parametrize(
    ("text", "redacted"),
    [
        ("password: |\n  a b\n\n    c\nend: 1", "password: [redacted secret]\nend: 1"),
        (
            "db:\r\n  password: >-\r\n    a\r\n\r\n    b\r\n  end",
            "db:\r\n  password: [redacted secret]\r\n  end",
        ),
        ("- password: |2+  # why\n    a\n  end: 1", "- password: [redacted secret]\n  end: 1"),
        (
            'in:\n  - "password": |\n      a b\n    end: 1',
            'in:\n  - "password": [redacted secret]\n    end: 1',
        ),
        ("secrets: |\n  password: |\n    a\n  b\nend", "secrets: [redacted secret]\nend"),
        ("password: |", "password: [redacted secret]"),
    ],
)
def test_a_secret_that_is_a_block_of_yaml_goes_to_its_own_end(text: str, redacted: str):
    assert REDACTOR.text(text) == redacted


class Hostile:
    """Raises whatever is done with it."""

    def __str__(self) -> str:
        raise RuntimeError("no")

    __repr__ = __str__
    __hash__ = object.__hash__


class HostileMapping(dict[str, Any]):
    """A mapping that can't be gone through."""

    def items(self) -> Any:
        raise RuntimeError("no")


LEAVES = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters())
    | st.text(st.characters(categories=["Cs"]), max_size=3)
    | st.binary(max_size=20)
    | st.builds(Hostile)
    | st.builds(lambda: 10**5000)
    | st.sampled_from([object(), {1, 2}, HostileMapping(a=1), float("nan"), "[" * 300])
)
KEYS = st.text() | st.integers() | st.floats() | st.none() | st.binary(max_size=3) | st.just("\ud800")
VALUES = st.recursive(
    LEAVES, lambda inner: st.lists(inner) | st.dictionaries(KEYS, inner) | st.tuples(inner, inner)
)


@pytest.mark.parametrize("redactor", [REDACTOR, None], ids=["redacted", "full"])
@settings(max_examples=300)
@given(value=VALUES, most=st.integers(256, 2000))
def test_whatever_a_value_is_it_becomes_json_of_bounded_length(
    redactor: Redactor | None, value: Any, most: int
):
    written = write(value, most, redactor, None, ())
    assert len(written.text.encode()) <= most
    json.loads(written.text)


def test_a_value_that_exits_when_it_is_written_costs_itself_and_not_who_writes_it():
    class Exiting(dict[str, Any]):
        def items(self) -> Any:
            raise SystemExit

    assert write({"a": Exiting(b=1)}, 8192, REDACTOR, None, ()).failed == 1


def test_a_value_that_holds_itself_ends():
    cycle: dict[str, Any] = {"a": 1}
    cycle["self"] = [cycle, cycle]
    assert write(cycle, 8192, REDACTOR, None, ()).text == snapshot('{"a":1,"self":["[cycle]","[cycle]"]}')


def test_a_value_ends_at_a_depth():
    deep: Any = "ada@example.com"
    for _ in range(5000):
        deep = [deep]
    written = write(deep, 8192, REDACTOR, None, ())
    assert (written.is_cut, written.text.count("[") < 40) == (True, True)


def test_a_result_of_ten_megabytes_is_cut_without_being_read_to_its_end(way: Way):
    large = {"content": [{"type": "text", "text": json.dumps({"rows": ["ada@example.com"] * 600_000})}]}
    with Recording(way, Details(Privacy("redacted"))) as recording:
        begun(call({})).answer(large)
        attributes = recording.picture("tools/call forecast")["attributes"]
    assert attributes["mcp_obs.truncated"] == ("gen_ai.tool.call.result",)
    assert len(attributes["gen_ai.tool.call.result"].encode()) <= 8192
    assert "ada" not in attributes["gen_ai.tool.call.result"]


# What is repeated, alone or behind something: the patterns' own words and characters, and what once took long.
CHARACTERS = r"""@ : ://: = a 1 . a. + - _ / %40 { [ ( " ' \ \" \u00 \u0041"""
WORDS = "eyJ SG. sk- mcpobs_ gsk pypi- xai basic+ -----BEGIN password= password={ token=A( token=['"
REPEATED = [
    *CHARACTERS.split(),
    *WORDS.split(),
    *(" ", "\n", "1 ", "4 ", "a b:", "bearer ", "cookie: ", "token: bearer ", "Authorization: digest "),
    *("-----BEGIN PRIVATE KEY", "-----BEGIN PRIVATE KEY-----", 'password="', "token=b'\\\\"),
    *(
        'password="""',
        "token='''",
        "token: |#",
        "token: |\n",
        "token: |\n ",
        " token: >\n",
        "token:=",
        '\\"' * 3,
    ),
]
BEHIND = {
    ":": "@ ://",
    "a": "user@",
    "\\": "\\u0041",
    '\\"': 'password="',
    " a\n": "token: |\n",
    "\n": "token: |\n",
    "a=1,": "Authorization: digest ",
    "PRIVATE KEY ": "-----BEGIN ",
    "-----END ": "-----BEGIN PRIVATE KEY-----",
}


@pytest.mark.parametrize(
    ("start", "repeated"), [*(("", text) for text in REPEATED), *((b, a) for a, b in BEHIND.items())]
)
def test_a_text_four_times_as_long_takes_four_times_as_long(start: str, repeated: str):
    def growth() -> float:
        return _seconds(start, repeated, 2**15) / _seconds(start, repeated, 2**13)

    # Quadratic time is sixteen times as long. Once is enough: something else can only make it seem longer.
    assert any(growth() < 8 for _ in range(5))


def _seconds(start: str, repeated: str, length: int) -> float:
    text = start + repeated * (length // len(repeated))
    begin = time.thread_time()
    REDACTOR.redact(text, length)
    return time.thread_time() - begin


@pytest.mark.parametrize(
    ("text", "redacted"),
    [
        ("4222222222222", "[redacted card]"),
        ("n=30569309025904,", "n=[redacted card],"),
        ("1 6205500000000000004 7", "1 [redacted card] 7"),
        ("12 4111-1111-1111-1111 2", "12 [redacted card] 2"),
        ("4111 1111 1111 1112", "4111 1111 1111 1112"),
        ("41111111111111110", "41111111111111110"),
    ],
)
def test_a_card_is_a_number_of_groups_whose_check_digit_is_right(text: str, redacted: str):
    assert REDACTOR.text(text) == redacted


def test_what_the_host_adds_is_redacted_too():
    redactor = Redactor([re.compile(r"\d{3}-\d{2}"), re.compile("^77$")], ["iban"])
    value = {"IBAN": "x", "note": "call 123-45 now", "n": 77, "123-45": [7]}
    written = write(value, 8192, redactor, None, ())
    assert json.loads(written.text) == snapshot(
        {
            "IBAN": "[redacted secret]",
            "note": "call [redacted pattern] now",
            "n": "[redacted pattern]",
            "[redacted pattern]": [7],
        }
    )
    assert written.redacted == 4


def test_what_is_no_secret_stays_as_it_is():
    value = {
        "text": "The price is 1234567890123 for order 42, see https://example.com/a?b=c: all is well.",
        "max_tokens": 4096,
        "time": 1767225600000000000,
        "words": ["basic understanding", "task-management-of-many-things", "key: C major"],
        "uuid": "123e4567-e89b-12d3-a456-426614174000",
    }
    written = write(value, 8192, REDACTOR, None, ())
    assert (json.loads(written.text), written.redacted) == (value, 0)
