"""The only package of the portal that a plugin may import. What is not re-exported here is private."""

from .blueprint import PluginBlueprint, public_page, signed_access, webhook
from .context import Attachment, EndSessions, Exchange, OpenRooms, PluginContext, SendMail, Signer
from .delivery import (
    Counter,
    DeliveryProvider,
    Document,
    Label,
    Parcel,
    PickupPoint,
    PostalAddress,
    Receipt,
    Recipient,
    RecipientField,
    Tracking,
)
from .errors import (
    ConfigurationFailure,
    LoginRefused,
    NumberRefused,
    PermanentFailure,
    ProviderFailure,
    Refusal,
    TemporaryFailure,
)
from .events import (
    AppointmentBooked,
    AppointmentCancelled,
    AppointmentMoved,
    CallEnded,
    DocumentIssued,
    Event,
)
from .hooks import API_VERSION, SUPPORTED_API_VERSIONS, Manifest, hookimpl
from .identity import Door, Identity, IdentityProvider, LoginStart, StaffPost, StaffRole
from .settings import CertificateFile, PluginSettings, Secret, Url
from .tax_number import is_tax_number
from .texts import LazyText, lazy, translate
from .trial import Finding
from .video import Guest, Join, Role, Room, RoomOrder, VideoProvider

__all__ = [
    "API_VERSION",
    "SUPPORTED_API_VERSIONS",
    "AppointmentBooked",
    "AppointmentCancelled",
    "AppointmentMoved",
    "Attachment",
    "CallEnded",
    "CertificateFile",
    "ConfigurationFailure",
    "Counter",
    "DeliveryProvider",
    "Document",
    "DocumentIssued",
    "Door",
    "EndSessions",
    "Event",
    "Exchange",
    "Finding",
    "Guest",
    "Identity",
    "IdentityProvider",
    "Join",
    "Label",
    "LazyText",
    "LoginRefused",
    "LoginStart",
    "Manifest",
    "NumberRefused",
    "OpenRooms",
    "Parcel",
    "PermanentFailure",
    "PickupPoint",
    "PluginBlueprint",
    "PluginContext",
    "PluginSettings",
    "PostalAddress",
    "ProviderFailure",
    "Receipt",
    "Recipient",
    "RecipientField",
    "Refusal",
    "Role",
    "Room",
    "RoomOrder",
    "Secret",
    "SendMail",
    "Signer",
    "StaffPost",
    "StaffRole",
    "TemporaryFailure",
    "Tracking",
    "Url",
    "VideoProvider",
    "hookimpl",
    "is_tax_number",
    "lazy",
    "public_page",
    "signed_access",
    "translate",
    "webhook",
]
