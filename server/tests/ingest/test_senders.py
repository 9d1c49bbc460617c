from mcp_obs_server.ingest.senders import SAMPLE, Senders

ACME = (1, 1, "traces")


def send(senders: Senders, alike: bool = True) -> bool:
    """One export; whether it was stored in the sender's own bytes."""
    trusted = senders.is_trusted(*ACME)
    if not trusted:
        senders.compared(*ACME, alike)
    return trusted


def test_the_first_exports_are_compared_and_then_one_in_so_many() -> None:
    senders = Senders()
    trusted = [send(senders) for _ in range(4 * SAMPLE)]
    assert trusted[:SAMPLE] == [False] * SAMPLE
    assert trusted[SAMPLE:].count(False) == 3


def test_one_difference_ends_the_trust_until_it_is_earned_again() -> None:
    senders = Senders()
    for _ in range(2 * SAMPLE):
        send(senders)
    while send(senders, alike=False):
        pass
    assert [send(senders) for _ in range(SAMPLE)] == [False] * SAMPLE
    assert any(send(senders) for _ in range(2))


def test_who_always_writes_otherwise_is_always_compared() -> None:
    senders = Senders()
    assert not any(send(senders, alike=False) for _ in range(3 * SAMPLE))


def test_trust_is_not_shared_between_servers_or_signals() -> None:
    senders = Senders()
    for _ in range(2 * SAMPLE):
        send(senders)
    assert not senders.is_trusted(1, 2, "traces")
    assert not senders.is_trusted(2, 1, "traces")
    assert not senders.is_trusted(1, 1, "logs")
