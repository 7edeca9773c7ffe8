"""What is known of a meter family: how to talk to it, what its prints mean."""

from gateway.profile.access import Password, PasswordAnswer
from gateway.profile.document import GENERIC, load_profile
from gateway.profile.example import check_examples
from gateway.profile.groups import AccessGroup, access_groups
from gateway.profile.library import load_folder, shipped_profiles
from gateway.profile.model import AddressForm, Conduct, Example, MeterProfile

__all__ = [
    "GENERIC",
    "AccessGroup",
    "AddressForm",
    "Conduct",
    "Example",
    "MeterProfile",
    "Password",
    "PasswordAnswer",
    "access_groups",
    "check_examples",
    "load_folder",
    "load_profile",
    "shipped_profiles",
]
