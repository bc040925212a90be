package im.sotto

/**
 * The exact failure or notice. `docs/errors.md` says what an app should do. New versions may add codes: branch on the
 * kind of the [SottoException] for the rest.
 *
 * @property text the stable dotted text, as `docs/errors.md` lists it: `storage.full`.
 * @property isRetryable whether the same call may succeed later with the same arguments.
 */
public enum class SottoCode(public val text: String, public val isRetryable: Boolean = false) {
    /** A word of the phrase is not in the BIP39 list; the index counts from 1. */
    PHRASE_WORD("phrase.word"),

    /** The phrase does not have 12, 15, 18, 21 or 24 words. */
    PHRASE_LENGTH("phrase.length"),

    /** All words are known but do not fit together: one is wrong, or two are swapped. */
    PHRASE_CHECKSUM("phrase.checksum"),

    /** This folder already holds an account. */
    ACCOUNT_EXISTS("account.exists"),

    /** This folder has no account yet. */
    ACCOUNT_MISSING("account.missing"),

    /**
     * The phrase was restored on another device, which took over. As a `notice` it comes again each time the app
     * comes to the foreground.
     */
    DEVICE_REPLACED("device.replaced"),

    /** A name has 1 to 40 bytes, something visible and no control characters. */
    INPUT_NAME("input.name"),

    /** The text is empty or has nothing visible, or the file is empty. */
    INPUT_EMPTY("input.empty"),

    /** A text has over 1 MiB, or a request's text over 400 bytes. */
    INPUT_TOO_LONG("input.too_long"),

    /** The API never returned this id or cursor. */
    INPUT_ID("input.id"),

    /** A setting or value is unknown. */
    INPUT_SETTING("input.setting"),

    /** More than 6 reactions of one person, 32 mentions, 10 files, or 5 conversations at once. */
    INPUT_TOO_MANY("input.too_many"),

    /** A reaction is one emoji of at most 32 bytes. */
    INPUT_EMOJI("input.emoji"),

    /** A mention lies outside the text, inside a character, or over another mention. */
    INPUT_MENTION("input.mention"),

    /** The preview's link does not stand in the text, or the preview is too long. */
    INPUT_PREVIEW("input.preview"),

    /** A poll has a question of up to 300 bytes and 2 to 10 choices of up to 100; a vote names some of them. */
    INPUT_POLL("input.poll"),

    /** Messages disappear after 5 seconds to 4 weeks; 0 keeps them. */
    INPUT_TIMER("input.timer"),

    /** A search has 1 to 16 words in at most 256 bytes. */
    INPUT_QUERY("input.query"),

    /** A preview has 1 to 8,142 bytes, a media type at most 100 bytes of ASCII. */
    INPUT_FILE("input.file"),

    /** A page has 1 to 500 entries. */
    INPUT_LIMIT("input.limit"),

    /** The contact does not exist. */
    CONTACT_MISSING("contact.missing"),

    /** The invite is one's own. */
    CONTACT_SELF("contact.self"),

    /** The contact's state does not allow this. */
    CONTACT_STATE("contact.state"),

    /** The contact is blocked. As the `reason` of a message: the contact was blocked before the message arrived. */
    CONTACT_BLOCKED("contact.blocked"),

    /**
     * The contact's devices changed. As a `notice`: just now. As `waiting`: the contact is verified, so nothing is
     * sent to the new device. From [Contacts.verify] and [Contacts.devicesSeen]: they changed after they were shown.
     */
    CONTACT_DEVICES_CHANGED("contact.devices_changed"),

    /** The scanned bytes are no QR code of a safety number. */
    VERIFY_QR("verify.qr"),

    /** The QR code belongs to other accounts than these two. */
    VERIFY_ACCOUNT("verify.account"),

    /** The contact's phone has other keys than the device known here. */
    VERIFY_DEVICES("verify.devices"),

    /** The contact's phone knows another device of this account. */
    VERIFY_OWN_DEVICES("verify.own_devices"),

    /** The conversation does not exist. */
    CONVERSATION_MISSING("conversation.missing"),

    /** The message does not exist. */
    MESSAGE_MISSING("message.missing"),

    /** A text can be edited for 24 hours, and the poll has ended. */
    MESSAGE_TOO_OLD("message.too_old"),

    /** Only the author can do this, and only to a text. */
    MESSAGE_NOT_YOURS("message.not_yours"),

    /** A message that disappears is not forwarded. */
    MESSAGE_EXPIRES("message.expires"),

    /** No receipt came within 30 days. */
    MESSAGE_NOT_DELIVERED("message.not_delivered", isRetryable = true),

    /** Every reachable node refused this message four times within 7 to 14 min, and no node had accepted it before. */
    MESSAGE_REFUSED("message.refused", isRetryable = true),

    /** No message has this file, or it was deleted. */
    FILE_MISSING("file.missing"),

    /**
     * What a picture or video says about place and time cannot be removed, because it is malformed or no JPEG, PNG or
     * WebP; nothing was sent.
     */
    FILE_METADATA("file.metadata"),

    /** The file has over 100 MB. */
    FILE_TOO_LARGE("file.too_large"),

    /**
     * Less is free than the file needs and 64 MB, or twice what is needed up to 32,568 bytes; nothing of it is lost.
     */
    FILE_NO_SPACE("file.no_space", isRetryable = true),

    /** What came is twice not the file that its author named, or the file was damaged on this disk. */
    FILE_CORRUPT("file.corrupt"),

    /** The stores no longer have the file, nor does anybody who was asked. */
    FILE_GONE("file.gone"),

    /**
     * The file is missing, is no plain file, may not be read, or changed while it was read. As the `reason` of a
     * message, and from its `retry`: the own copy of its file cannot be read.
     */
    FILE_UNREADABLE("file.unreadable"),

    /** The file is not on this device, or not whole. */
    FILE_WAITING("file.waiting", isRetryable = true),

    /** An export never overwrites a file. */
    FILE_EXISTS("file.exists"),

    /** Search is switched off in the settings. */
    SEARCH_OFF("search.off"),

    /** The link is cut short or is no invite. */
    INVITE_TRUNCATED("invite.truncated"),

    /** The link was changed on its way. */
    INVITE_CHECKSUM("invite.checksum"),

    /** The invite is older than 7 days. */
    INVITE_EXPIRED("invite.expired"),

    /** A newer version made the invite. */
    INVITE_NEWER("invite.newer"),

    /** The invite belongs to another network. */
    INVITE_OTHER_NETWORK("invite.other_network"),

    /** The invite was used up or closed. */
    INVITE_USED("invite.used"),

    /** No store has the inviter's cards; the engine retries. */
    INVITE_UNREACHABLE("invite.unreachable", isRetryable = true),

    /** 8 invites are open, or 32 secrets are in use, with unused ones of the last weeks. The engine replaces none. */
    INVITE_TOO_MANY("invite.too_many"),

    /** No such invite is open: it was used up, closed or has expired. */
    INVITE_MISSING("invite.missing"),

    /** A group's name has 1 to 60 bytes and something visible, its description at most 500 bytes. */
    INPUT_GROUP("input.group"),

    /** No invitation to this group waits for an answer. */
    GROUP_NOT_INVITED("group.not_invited"),

    /** Other members have not confirmed the group yet; this device reads, and writes later. */
    GROUP_JOINING("group.joining"),

    /** The group's new key is not here yet. */
    GROUP_REKEYING("group.rekeying"),

    /** The own role does not allow this, or there is no such member. */
    GROUP_NOT_ALLOWED("group.not_allowed"),

    /** This account is no member: it was removed, left, declined, or has not joined. */
    GROUP_REMOVED("group.removed"),

    /** The owner closed the group. */
    GROUP_CLOSED("group.closed"),

    /** The group has no room for more members, or this device is in 256 groups. */
    GROUP_FULL("group.full"),

    /** A device list older than the known one was refused; shown with the contact. */
    LIST_OLD("list.old"),

    /** A device list or bundle past its date was refused. */
    LIST_EXPIRED("list.expired"),

    /** Two devices share no cipher suite. */
    SUITE_NONE("suite.none"),

    /** A known device offers a lower cipher suite than before and was refused. */
    SUITE_LOWER("suite.lower"),

    /** This device's clock is off by more than 20 seconds. */
    CLOCK_SKEWED("clock.skewed"),

    /**
     * The own bucket carries over 20 MB a day. The engine asks a store every 15 min, or every 15 s while the app is on
     * screen, until the bucket is below 10 MB a day. A relay stays in the bucket.
     */
    BUCKET_BUSY("bucket.busy", isRetryable = true),

    /** The address is no multiaddr ending in `/p2p/…`. */
    NETWORK_ADDRESS("network.address"),

    /** No node answered for 30 s; comes once until a node answers. */
    NETWORK_UNREACHABLE("network.unreachable", isRetryable = true),

    /** A node belongs to another network (cluster) and is not used; comes once a run. */
    NETWORK_OTHER("network.other"),

    /** Another process has this folder open. */
    STORAGE_IN_USE("storage.in_use", isRetryable = true),

    /**
     * The key does not open this database; the file is unchanged. If the lock file is lost too, a damaged first page
     * gives the same code.
     */
    STORAGE_WRONG_KEY("storage.wrong_key"),

    /**
     * The database is damaged, is no database, or is empty or missing although there was one. From an open: the file
     * is unchanged. From a call or as a `notice`: the damage was found later.
     */
    STORAGE_CORRUPT("storage.corrupt"),

    /** The file is another program's database; it is unchanged. */
    STORAGE_FOREIGN("storage.foreign"),

    /** A newer version wrote the database. */
    STORAGE_NEWER("storage.newer"),

    /**
     * From an open: this is an old copy of the database, and opening it could reuse keys; it is unchanged. As a
     * `notice`: everything was put back from a backup, and new sessions begin.
     */
    STORAGE_ROLLED_BACK("storage.rolled_back"),

    /**
     * The open counter that the host keeps is damaged, so an old copy of the database would go unnoticed; nothing was
     * changed.
     */
    STORAGE_COUNTER("storage.counter"),

    /** The disk is full; the call changed nothing. */
    STORAGE_FULL("storage.full", isRetryable = true),

    /** The folder cannot be written; of an export, the folder of its path. */
    STORAGE_READ_ONLY("storage.read_only"),

    /** Reading or writing the database failed. */
    STORAGE_IO("storage.io", isRetryable = true),

    /** The core was closed. */
    CLOSED("closed"),

    /** The time limit passed; the work goes on. */
    DEADLINE("deadline", isRetryable = true),

    /** A bug of ours; the detail names the source line. */
    INTERNAL("internal"),

    /** Android: the database's key is gone for good, and the database with it. Offer to restore from the phrase. */
    KEY_LOST("key.lost"),

    /** Android: the key store did not answer, or the disk failed. The key may still be there: erase nothing. */
    KEY_UNAVAILABLE("key.unavailable", isRetryable = true),
}
