from mcp_obs_server.kit.ids import BASE62, random_base62


def test_tokens_have_the_length_asked_for_and_only_letters_and_digits() -> None:
    token = random_base62(4096)
    assert len(token) == 4096
    assert set(token) == set(BASE62)


def test_tokens_differ() -> None:
    assert random_base62(32) != random_base62(32)
