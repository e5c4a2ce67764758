from recibo.access.passwords import generate


def test_a_password_suits_applications_that_insist_on_kinds_of_signs() -> None:
    for _ in range(200):
        password = generate()
        assert len(password) == 19
        assert any(sign.islower() for sign in password)
        assert any(sign.isupper() for sign in password)
        assert any(sign.isdigit() for sign in password)
        assert "-" in password
        assert not set("lIO01") & set(password)


def test_no_two_are_alike() -> None:
    assert len({generate() for _ in range(200)}) == 200
