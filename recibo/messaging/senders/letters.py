"""An outgoing message as an e-mail: text and HTML, and the headers that receivers look for."""

from email.errors import MessageError
from email.headerregistry import Address

from django.core.mail import EmailMultiAlternatives

from recibo.messaging.configuration import Mail, Seller
from recibo.messaging.errors import ChannelError, NoSuchAddressError
from recibo.messaging.senders.contract import Outgoing
from recibo.messaging.senders.replies import one_line


def written(outgoing: Outgoing, mail: Mail, seller: Seller) -> EmailMultiAlternatives:
    """The e-mail. Raises NoSuchAddressError, ChannelError if ours is no address either."""
    letter = EmailMultiAlternatives(
        subject=one_line(outgoing.subject),
        body=outgoing.text,
        from_email=sender_of(mail, seller),
        to=[recipient_of(outgoing)],
        reply_to=[one_line(seller.email)] if seller.email else None,
        headers=headers_of(outgoing),
    )
    if outgoing.html:
        letter.attach_alternative(outgoing.html, "text/html")
    return letter


def recipient_of(outgoing: Outgoing) -> str:
    """The buyer, by name where it is known."""
    try:
        return mailbox(outgoing.name, outgoing.to)
    except (ValueError, MessageError, IndexError) as error:
        raise NoSuchAddressError("What stands in place of the address is none.") from error


def sender_of(mail: Mail, seller: Seller) -> str:
    """The seller, by name where he has one."""
    try:
        return mailbox(seller.name, mail.sender)
    except (ValueError, MessageError, IndexError) as error:
        raise ChannelError("The address of the sender is none: correct it.") from error


def mailbox(name: str, address: str) -> str:
    """A name and an address as they stand in From and To. Raises on what is no single address."""
    return str(Address(display_name=one_line(name), addr_spec=address))


def headers_of(outgoing: Outgoing) -> dict[str, str]:
    """Headers beyond the usual ones.

    ``Auto-Submitted`` (RFC 3834) keeps holiday notices away; one click on ``List-Unsubscribe``
    (RFC 8058) is what Gmail and Yahoo ask of whoever writes to many.
    """
    headers = {"Auto-Submitted": "auto-generated"}
    if outgoing.message_id:
        headers["Message-ID"] = one_line(outgoing.message_id)
    if outgoing.unsubscribe_url:
        headers["List-Unsubscribe"] = f"<{one_line(outgoing.unsubscribe_url)}>"
        headers["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    return headers


def mark(message_id: str) -> str:
    """What makes a Message-ID the only one of its kind: the part before the domain."""
    return message_id.strip("<>").partition("@")[0]
