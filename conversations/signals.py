"""What this app tells the apps above it. Sent inside the transaction of the change."""

from django.dispatch import Signal

# A customer opened a business conversation with a first message. Arguments: conversation, sender_id, content.
case_opened = Signal()

# An agent assigned a case or set its status. Arguments: conversation, actor_id, content, metadata.
case_changed = Signal()
