"""Messages for staff: to look at, and to take down; and those that people reported."""

from collections.abc import Callable

from django.contrib import admin, messages
from django.db.models import Case, QuerySet, TextField, When
from django.db.models.functions import Left
from django.http import HttpRequest

from conversations import contents
from conversations.admin.listing import BOUND, ReadOnlyAdmin, as_uuid, keyword
from conversations.models import Conversation
from messaging.models import Message, Report
from messaging.services import reports
from messaging.services.messages import take_down_message

EXCERPT = 100


def _start(content: str) -> Case:
    """Enough of it for `_excerpt`: all of what lies sealed."""
    sealed = When(**{f"{content}__startswith": contents.MARK}, then=content)
    return Case(sealed, default=Left(content, EXCERPT), output_field=TextField())


def _excerpt(message: Message, start: str) -> str:
    return contents.words(
        start,
        conversation=message.conversation_id,
        sender=message.sender_id,
        client_id=message.client_id,
    )[:EXCERPT]


@admin.register(Message)
class MessageAdmin(ReadOnlyAdmin):
    """A message changes only by the services: its seq and version order it among the others."""

    list_display = ("__str__", "conversation", "sender", "type", "excerpt", "sent_at", "deleted_at")
    list_select_related = ("sender", "conversation")
    search_help_text = (
        "The id of a conversation (ID#seq for one message), the id or exact username of a sender, or type:image and"
        f" the like. At most {BOUND:,} are listed, newest first."
    )
    actions = ("take_down",)
    exclude = ("content",)
    readonly_fields = ("whole",)

    def find(self, rows: QuerySet[Message], word: str) -> QuerySet[Message]:
        """Uses index: messages_pkey, messages_unique_seq, messages_sender_sent, messages_type_sent."""
        rows = rows.defer("content", "metadata").annotate(start=_start("content"))
        name, value = keyword(word)
        room, _, seq = word.partition("#")
        found = as_uuid(room)
        if not word or (name, value) == ("type", Message.Type.TEXT):
            return rows.order_by("-pk")
        if name == "type":
            return rows.filter(type=value).exclude(type=Message.Type.TEXT).order_by("-sent_at")
        if found and seq.isdecimal() and len(seq) < 19:
            return rows.filter(conversation=found, seq=int(seq)).order_by("-seq")
        if found and Conversation.objects.filter(pk=found).exists():
            return rows.filter(conversation=found).order_by("-seq")
        by_sender = rows.filter(sender=found) if found else rows.filter(sender__username=word)
        return by_sender.order_by("-sent_at")

    @admin.display(description="content")
    def excerpt(self, message: Message) -> str:
        """The first hundred characters."""
        return _excerpt(message, getattr(message, "start", ""))

    @admin.display(description="content")
    def whole(self, message: Message) -> str:
        """All of it."""
        return message.said

    @admin.action(description="Take the selected messages down", permissions=["take_down"])
    def take_down(self, request: HttpRequest, queryset: QuerySet[Message]) -> None:
        """Their places stay, their content goes, and everybody in the conversation sees it at once."""
        standing = queryset.filter(deleted_at=None).select_related(None)[:BOUND]
        for message in standing:
            take_down_message(conversation_id=message.conversation_id, seq=message.seq)
            self.log_change(request, message, "Taken down.")
        self.message_user(request, f"{len(standing)} taken down", messages.SUCCESS)

    def has_take_down_permission(self, request: HttpRequest) -> bool:
        """Whoever may delete messages."""
        return request.user.has_perm("messaging.delete_message")


@admin.register(Report)
class ReportAdmin(ReadOnlyAdmin):
    """The queue of moderation: who has waited longest comes first."""

    list_display = ("place", "reason", "note", "excerpt", "reporter", "reported_at", "outcome", "closed_at")
    list_select_related = ("message", "reporter")
    search_help_text = (
        "Nothing for those that wait, closed for those decided, the newest first, or the id or exact username of who"
        f" reported. At most {BOUND:,} are listed."
    )
    actions = ("take_down", "dismiss")

    def find(self, rows: QuerySet[Report], word: str) -> QuerySet[Report]:
        """Uses index: reports_open, reports_closed, reports_reporter."""
        rows = rows.defer("message__content", "message__metadata", "message__words")
        rows = rows.annotate(start=_start("message__content"))
        if not word:
            return rows.filter(closed_at=None).order_by("reported_at")
        if word == "closed":
            return rows.filter(closed_at__isnull=False).order_by("-closed_at")
        found = as_uuid(word)
        by_reporter = rows.filter(reporter=found) if found else rows.filter(reporter__username=word)
        return by_reporter.order_by("-reported_at")

    @admin.display(description="message")
    def place(self, report: Report) -> str:
        """Its conversation and seq, as the list of messages finds it."""
        return str(report.message)

    @admin.display(description="content")
    def excerpt(self, report: Report) -> str:
        """The first hundred characters, as they stand now."""
        return _excerpt(report.message, getattr(report, "start", ""))

    @admin.action(description="Take the reported messages down", permissions=["decide"])
    def take_down(self, request: HttpRequest, queryset: QuerySet[Report]) -> None:
        """Everybody in the conversation sees it at once; all reports of the message are closed."""
        self._decide(request, queryset, reports.take_down, "Message taken down.")

    @admin.action(description="Dismiss the selected reports", permissions=["decide"])
    def dismiss(self, request: HttpRequest, queryset: QuerySet[Report]) -> None:
        """The messages stand."""
        self._decide(request, queryset, reports.dismiss, "Dismissed.")

    def _decide(
        self, request: HttpRequest, rows: QuerySet[Report], decide: Callable[[Report], None], word: str
    ) -> None:
        waiting = list(rows.filter(closed_at=None)[:BOUND])
        for report in waiting:
            decide(report)
            self.log_change(request, report, word)
        self.message_user(request, f"{len(waiting)} decided", messages.SUCCESS)

    def has_decide_permission(self, request: HttpRequest) -> bool:
        """Whoever may delete messages."""
        return request.user.has_perm("messaging.delete_message")
