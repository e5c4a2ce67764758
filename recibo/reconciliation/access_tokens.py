"""Access tokens that every process uses: asked for once, kept sealed, renewed before they end."""

from datetime import timedelta

from django.db.models import QuerySet
from django.utils import timezone

from recibo.accounts.encryption import SealedError, opened, sealed
from recibo.accounts.models import Account
from recibo.reconciliation.models import AccountToken

#: A token that ends within this is renewed: a question may take as long. Of one that lives less
#: than twice as long, half its life.
MARGIN = timedelta(minutes=1)


class SharedTokens:
    """The tokens of one account, for one user of its API; see ``gateways.contract.Tokens``."""

    def __init__(self, account: Account) -> None:
        self.account = account
        self.used: dict[str, AccountToken] = {}

    def get(self, name: str) -> str:
        """The token of that name; "" if there is none that is good for a while yet."""
        found = self.kept(name).filter(expires_at__gt=timezone.now()).first()
        if found is None:
            return ""
        self.used[name] = found
        try:
            return opened(bytes(found.sealed_token), str)
        except SealedError:  # RECIBO_SECRET_KEY is another one now
            return ""

    def put(self, name: str, token: str, seconds: float) -> None:
        """Keep a token that is good for ``seconds`` from now."""
        life = timedelta(seconds=seconds)
        self.used[name], _ = AccountToken.objects.update_or_create(
            account=self.account,
            name=name,
            defaults={
                "sealed_token": sealed(token),
                "expires_at": timezone.now() + life - min(MARGIN, life / 2),
            },
        )

    def forget(self, name: str) -> None:
        """Give up a token that was refused; not one that somebody else has had made since."""
        if used := self.used.pop(name, None):
            self.kept(name).filter(sealed_token=bytes(used.sealed_token)).delete()

    def kept(self, name: str) -> QuerySet[AccountToken]:
        """The token of that name."""
        return AccountToken.objects.filter(account=self.account, name=name)
