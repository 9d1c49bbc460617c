"""Names whose value is a secret, whatever it is."""

import re
from collections.abc import Callable, Iterable
from functools import lru_cache
from string import digits, punctuation, whitespace

# As a word of a name: `db_password`, `authToken`, `X-Api-Key`; not `max_tokens`, `tokenizer` or `secretary`.
_WORDS = frozenset(
    {
        *(
            "auth",
            "authorization",
            "bearer",
            "cookie",
            "cookies",
            "credential",
            "credentials",
            "creds",
            "csrf",
        ),
        *("cvc", "cvv", "jwt", "mfa", "otp", "passcode", "passphrase", "passwd", "password", "passwords"),
        *("pin", "pwd", "secret", "secrets", "sessionid", "ssn", "token", "totp", "xsrf"),
    }
)
# Written as one word or as several.
_COMPOUNDS = (
    *("accesskey", "accesstoken", "apikey", "apitoken", "authtoken", "authorization", "bearertoken"),
    *("clientsecret", "connectionstring", "credential", "encryptionkey", "idtoken", "passphrase", "passwd"),
    *("password", "privatekey", "refreshtoken", "secretkey", "sessiontoken", "signingkey", "sshkey"),
)
# At the end only, a number behind it or not, as a word: `SMTP_PASS`, `sig`, `X-Hub-Signature-256`; not `pass_rate`,
# `bypass`, `sig_figs` or `signature_version`.
_LAST_WORDS = frozenset(
    {"dbpass", "ftppass", "mailpass", "pass", "pgpass", "pw", "sig", "signature", "smtppass", "userpass"}
)
# Or written as one word or as several: `AccountKey`; not `account_keywords`.
_LAST_COMPOUNDS = ("accesssignature", "accountkey", "sharedkey")
_NUMBER = digits + punctuation + whitespace
_BORDER = re.compile(r"[^0-9A-Za-z]+|(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_NOISE = re.compile(r"[\W_]+")
LONGEST_NAME = 256

IsSecret = Callable[[str], bool]


def secret_names(own: Iterable[str] = ()) -> IsSecret:
    """Tells the names of secrets from others; `own` are more of them, compared without case and punctuation."""
    known = frozenset(map(_plain, own))

    # Names come from clients: few are worth remembering, and no long ones.
    @lru_cache(2048)
    def is_secret(name: str) -> bool:
        plain = _plain(name)
        return (
            plain in known
            or not _WORDS.isdisjoint(word.lower() for word in _BORDER.split(name))
            or any(compound in plain for compound in _COMPOUNDS)
            or plain.rstrip(digits).endswith(_LAST_COMPOUNDS)
            or _BORDER.split(name.rstrip(_NUMBER))[-1].lower() in _LAST_WORDS
        )

    return lambda name: is_secret(name[-LONGEST_NAME:])


def _plain(name: str) -> str:
    return _NOISE.sub("", name).lower()
