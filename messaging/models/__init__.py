"""What is said."""

from messaging.models.attachments import Attachment
from messaging.models.mentions import Mention
from messaging.models.messages import Message
from messaging.models.notes import Note, Notebook
from messaging.models.reactions import Reaction
from messaging.models.reports import Report
from messaging.models.revisions import Revision

__all__ = ["Attachment", "Mention", "Message", "Note", "Notebook", "Reaction", "Report", "Revision"]
