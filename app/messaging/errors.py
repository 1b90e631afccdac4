"""Expected failures of requests about message groups and messages."""

from app.errors import AppError


class GroupNotFound(AppError):
    status = 404
    title = "The message group does not exist or you are not a member"


class CannotMessage(AppError):
    status = 403
    title = "You cannot send messages to this user"


class CannotAdd(AppError):
    status = 403
    title = "You cannot add one of these users to a group"


class NotManager(AppError):
    status = 403
    title = "Only the owner or an admin of the group can change it"


class NotOwner(AppError):
    status = 403
    title = "Only the owner of the group can change the roles of members, and remove admins"


class MemberNotFound(AppError):
    status = 404
    title = "The user is not a member of the group"


class GroupFull(AppError):
    status = 409
    title = "The group has as many members as it can have"


class GroupTaken(AppError):
    status = 409
    title = "Another group of yours already has this uuid"
    pointer = "/uuid"


class BlockSelf(AppError):
    status = 422
    title = "You cannot block yourself"
    parameter = "handle"


class UuidTaken(AppError):
    status = 409
    title = "Another message, edit or report already has this uuid"
    pointer = "/uuid"


class AfterTooOld(AppError):
    status = 409
    title = "500 other messages follow the number in after: send the message, which is not stored, with the last_number"
    pointer = "/after"


class OneTarget(AppError):
    status = 422
    title = "Either handle or message_group_uuid must be given, not both"
    pointer = ""


class MessageToSelf(AppError):
    status = 422
    title = "You cannot send messages to yourself"
    pointer = "/handle"


class MessageBlank(AppError):
    status = 422
    title = "The message is empty"
    pointer = "/message"


class MessageTooLong(AppError):
    status = 422
    title = "The message is too long"
    pointer = "/message"


class MessageMalformed(AppError):
    status = 422
    title = "The message contains a character that cannot be stored"
    pointer = "/message"


class NumberBeyondEnd(AppError):
    status = 422
    title = "The group has no message with this number"
    pointer = "/number"


class TooManyPins(AppError):
    status = 409
    title = "10 groups are pinned: unpin another one first"


class NotInInbox(AppError):
    status = 409
    title = "Only a group in the inbox can be pinned: take it out of its folder first"


class ReplyBeyondEnd(AppError):
    status = 422
    title = "The group has no message with the number in reply_to"
    pointer = "/reply_to"


class MentionNotMember(AppError):
    status = 422
    title = "The message mentions a user that is not a member of the group"
    pointer = "/mentions"


class MessageNotFound(AppError):
    status = 404
    title = "The group has no message with this number"


class MessageDeleted(AppError):
    status = 409
    title = "The message is deleted"


class MessageExpires(AppError):
    status = 409
    title = "A message that expires cannot be edited: delete it and send another one"


class NotSender(AppError):
    status = 403
    title = "Only the sender of a message can edit or delete it"


class EditWindowClosed(AppError):
    status = 409
    title = "The message is too old to be edited"


class DeleteWindowClosed(AppError):
    status = 409
    title = "The message is too old to be deleted for all members"


class EditLimit(AppError):
    status = 409
    title = "The message was edited 50 times: send another one"


class VersionDiffers(AppError):
    status = 412
    title = "The message has another version than If-Match says: read it again"


class NotAnEmoji(AppError):
    status = 422
    title = "The reaction is not one emoji"
    parameter = "emoji"


class ReactionLimit(AppError):
    status = 409
    title = "A message takes 5 reactions of a member and 20 different ones"


class EditsHidden(AppError):
    status = 403
    title = "This service does not show earlier texts of messages"
