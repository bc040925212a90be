// Entry functions for every decoder of `sotto-wire`. Included by the fuzz crate and by `core/wire/tests/corpus.rs`,
// which replays the corpora. Whatever decodes must encode to something that decodes to the same; nothing may panic.

use sotto_wire::content::{Content, Inner, Kind, Message, Receipt, SeqTracker};
use sotto_wire::file::{FilePointer, Manifest, POINTER_LEN, Part};
use sotto_wire::group::{Entry as LogEntry, GroupInner, Handover, Leaf, Masked, leaf_id};
use sotto_wire::identity::{Bundle, Closed, DeviceList, DeviceRecord, Profile};
use sotto_wire::invite::Invite;
use sotto_wire::name::{Name, clean};
use sotto_wire::topic::ContentTopic;
use sotto_wire::waku::{self, Message as _};
use sotto_wire::{envelope, envelope::Envelope};

type Entry = fn(&[u8]);

pub(crate) const TARGETS: &[(&str, Entry)] = &[
    ("envelope", envelope),
    ("unpad", unpad),
    ("content_topic", content_topic),
    ("device_record", device_record),
    ("device_list", device_list),
    ("bundle", bundle),
    ("profile", profile),
    ("closed", closed),
    ("invite", invite),
    ("invite_link", invite_link),
    ("name", name),
    ("pointer", pointer),
    ("file_pointer", file_pointer),
    ("manifest", manifest),
    ("inner", inner),
    ("message", message),
    ("content", content),
    ("receipt", receipt),
    ("seq_tracker", seq_tracker),
    ("waku_message", waku_message),
    ("waku_frame", waku_frame),
    ("waku_topic", waku_topic),
    ("filter_request", |data| rpc::<waku::FilterSubscribeRequest>(data, waku::FILTER_REQUEST_CAP)),
    ("filter_response", |data| rpc::<waku::FilterSubscribeResponse>(data, waku::FILTER_RESPONSE_CAP)),
    ("message_push", |data| rpc::<waku::MessagePush>(data, waku::push_cap(waku::MAX_MESSAGE))),
    ("lightpush_request", |data| rpc::<waku::LightPushRequest>(data, waku::lightpush_request_cap(waku::MAX_MESSAGE))),
    ("lightpush_response", |data| rpc::<waku::LightPushResponse>(data, waku::LIGHTPUSH_RESPONSE_CAP)),
    ("lightpush_v2", |data| rpc::<waku::PushRpc>(data, waku::lightpush_request_cap(waku::MAX_MESSAGE))),
    ("store_request", |data| rpc::<waku::StoreQueryRequest>(data, waku::STORE_REQUEST_CAP)),
    ("store_response", |data| rpc::<waku::StoreQueryResponse>(data, waku::store_response_cap(20, waku::MAX_MESSAGE))),
    ("metadata", |data| rpc::<waku::WakuMetadata>(data, waku::METADATA_CAP)),
    ("peer_exchange", |data| rpc::<waku::PeerExchangeRpc>(data, waku::PEER_EXCHANGE_CAP)),
    ("record_values", record_values),
    ("tree", tree),
    ("group_leaf", group_leaf),
    ("group_entry", group_entry),
    ("group_masked", group_masked),
    ("group_inner", group_inner),
    ("group_handover", group_handover),
];

fn envelope(data: &[u8]) {
    if let Ok(envelope) = Envelope::decode(data) {
        assert_eq!(envelope.encode().as_deref(), Ok(data));
        assert_eq!(envelope.class().map(envelope::Class::size), Some(data.len()));
        if let Ok((header, message)) = envelope::split_ratchet(envelope.body) {
            assert_eq!([header.as_slice(), message].concat(), envelope.body);
        }
        if let Ok((block, header, message)) = envelope::split_handshake(envelope.body) {
            assert_eq!([block.as_slice(), header, message].concat(), envelope.body);
        }
    }
}

fn unpad(data: &[u8]) {
    if let Ok(plain) = envelope::unpad(data) {
        assert_eq!(envelope::pad(plain, data.len() - 1).as_deref(), Ok(data));
    }
}

fn content_topic(data: &[u8]) {
    if let Ok(text) = std::str::from_utf8(data)
        && let Ok(topic) = text.parse::<ContentTopic>()
    {
        assert_eq!(topic.to_string(), text);
    }
}

fn device_record(data: &[u8]) {
    if let Ok(record) = DeviceRecord::decode(data) {
        assert_eq!(record.encode(), data);
    }
}

fn device_list(data: &[u8]) {
    if let Ok(list) = DeviceList::decode(data) {
        assert_eq!(list.encode().as_deref(), Ok(data));
    }
}

fn bundle(data: &[u8]) {
    if let Ok(bundle) = Bundle::decode(data) {
        assert_eq!(bundle.encode(), data);
    }
}

fn profile(data: &[u8]) {
    if let Ok(profile) = Profile::decode(data) {
        assert_eq!(profile.encode(), data);
    }
}

fn closed(data: &[u8]) {
    if let Ok(closed) = Closed::decode(data) {
        assert_eq!(closed.encode(), data);
    }
}

fn invite(data: &[u8]) {
    if let Ok(invite) = Invite::decode(data) {
        // Unknown TLVs are skipped, so compare what was read.
        assert_eq!(invite.encode().and_then(|bytes| Invite::decode(&bytes)), Ok(invite));
    }
}

fn invite_link(data: &[u8]) {
    if let Ok(text) = std::str::from_utf8(data)
        && let Ok(invite) = Invite::from_link(text)
    {
        assert_eq!(invite.to_link().and_then(|link| Invite::from_link(&link)), Ok(invite));
    }
}

fn name(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let once = clean(&text);
    assert_eq!(clean(&once), once);
    if let Ok(name) = Name::new(text.into_owned()) {
        assert!(name.display().len() <= name.as_str().len());
    }
}

fn pointer(data: &[u8]) {
    if let Ok(pointer) = FilePointer::decode_bare(data) {
        assert_eq!(pointer.encode(), data);
        let layout = pointer.layout();
        let lens: Option<Vec<usize>> = layout.parts(false).map(|part| layout.part_len(part)).collect();
        assert_eq!(lens.map(|lens| lens.into_iter().sum::<usize>() as u64), Some(pointer.size()));
        assert_eq!((layout.slots(), layout.has_manifest()), (layout.data_chunks(), false));
    }
}

/// A pointer, then the number of a part.
fn file_pointer(data: &[u8]) {
    let (head, rest) = data.split_at(data.len().min(POINTER_LEN));
    let Ok(pointer) = FilePointer::decode(head) else {
        return;
    };
    assert_eq!(pointer.encode(), head);
    let layout = pointer.layout();
    let data: usize =
        layout.parts(true).filter(|part| matches!(part, Part::Data(_))).filter_map(|part| layout.part_len(part)).sum();
    assert_eq!(data as u64, pointer.size());
    assert_eq!(layout.columns().map(|range| range.len()).sum::<usize>(), layout.chunk_len());
    if let Some(index) = rest.first_chunk() {
        let part = Part::from_index(u32::from_be_bytes(*index));
        assert_eq!(part.index(), u32::from_be_bytes(*index));
        assert_eq!(layout.slot(part).and_then(|slot| layout.chunk(slot)), layout.slot(part).map(|_| part));
        let room = layout.class(part).map(|class| envelope::room(class, envelope::Form::Sealed));
        assert!(layout.part_len(part) <= room);
        assert_eq!(layout.parts(true).any(|one| one == part), room.is_some());
    }
}

/// A pointer, then the manifest of its file.
fn manifest(data: &[u8]) {
    let (head, rest) = data.split_at(data.len().min(POINTER_LEN));
    if let Ok(pointer) = FilePointer::decode(head)
        && let Ok(manifest) = Manifest::decode(rest, &pointer)
    {
        assert_eq!(manifest.encode(), rest);
        assert_eq!(manifest.root(), *pointer.root());
        assert!((0..=pointer.layout().slots()).all(|slot| !manifest.matches(slot, data)), "a hash found by chance");
    }
}

fn inner(data: &[u8]) {
    if let Ok(inner) = Inner::decode(data) {
        assert_eq!(inner.encode().and_then(|bytes| Inner::decode(&bytes)), Ok(inner));
    }
}

fn message(data: &[u8]) {
    if let Ok(message) = Message::decode(data) {
        assert_eq!(message.encode().and_then(|bytes| Message::decode(&bytes)), Ok(message.clone()));
        check_content(message.kind, &message.body);
    }
}

/// The kind's number in one byte, then the body.
fn content(data: &[u8]) {
    if let Some((&code, body)) = data.split_first()
        && let Some(kind) = Kind::from_code(u32::from(code))
    {
        check_content(kind, body);
    }
}

fn check_content(kind: Kind, body: &[u8]) {
    match Content::decode(kind, body) {
        Ok(Content::Unknown) | Err(_) => {}
        Ok(content) => {
            let (again, bytes) = content.encode().expect("what was read can be written");
            assert_eq!(Content::decode(again, &bytes), Ok(content));
        }
    }
}

fn receipt(data: &[u8]) {
    if let Ok(receipt) = Receipt::decode(data) {
        assert_eq!(receipt.encode(), data);
        assert!(!receipt.covers(0));
        let contiguous = u32::from_be_bytes(data[4..8].try_into().unwrap());
        assert!(contiguous == 0 || receipt.covers(contiguous));
    }
}

fn seq_tracker(data: &[u8]) {
    if let Ok(tracker) = SeqTracker::from_bytes(data) {
        assert_eq!(tracker.to_bytes(), data);
        let receipt = tracker.receipt([0; 4]);
        let start = u32::from_be_bytes(data[..4].try_into().unwrap());
        assert!((start..=start.saturating_add(200)).all(|seq| !receipt.covers(seq) || tracker.has(seq)));
    }
}

fn waku_message(data: &[u8]) {
    if let Ok(message) = waku::decode::<waku::WakuMessage>(data) {
        let _ = message.validate(waku::MAX_MESSAGE);
        assert_eq!(waku::decode(&message.encode_to_vec()), Ok(message.clone()));
        waku::message_hash("/waku/2/rs/16/32", &message);
    }
}

fn waku_frame(data: &[u8]) {
    if let Ok(Some(frame)) = waku::frame_header(data, waku::MAX_MESSAGE) {
        assert!(frame.header <= data.len() && frame.body <= waku::MAX_MESSAGE);
    }
}

fn waku_topic(data: &[u8]) {
    if let Ok(text) = std::str::from_utf8(data) {
        if let Ok(shard) = text.parse::<waku::Shard>() {
            assert_eq!(shard.to_string(), text);
        }
        if let Ok(shard) = waku::autoshard(text, 8) {
            assert!(shard < 8);
        }
    }
}

fn rpc<M: waku::Message + Default + PartialEq + std::fmt::Debug>(data: &[u8], cap: usize) {
    if let Ok(message) = waku::decode_framed::<M>(data, cap) {
        // Written out in full, a message can be longer than it came.
        assert_eq!(waku::decode_framed(&waku::encode_framed(&message), usize::MAX), Ok(message));
    }
}

/// A value of a node record, taken for each of the kinds.
fn record_values(data: &[u8]) {
    for shards in [waku::ShardSet::from_list(data), waku::ShardSet::from_vector(data)].into_iter().flatten() {
        let (key, value) = shards.to_value();
        let again = match key {
            waku::record_key::SHARD_LIST => waku::ShardSet::from_list(&value),
            _ => waku::ShardSet::from_vector(&value),
        };
        assert_eq!(again, Ok(shards));
    }
    if let Ok(addresses) = waku::split_addresses(data) {
        let joined = waku::join_addresses(addresses.iter().copied());
        assert!(data.starts_with(&joined));
    }
    let _ = waku::Services::from_value(data);
}

/// A text found in DNS: a root or an entry.
fn tree(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    if let Ok(root) = text.parse::<waku::TreeRoot>() {
        assert!(text.starts_with(&root.signed));
    }
    if let Ok(entry) = text.parse::<waku::TreeEntry>() {
        let text = entry.to_string();
        assert_eq!(waku::TreeEntry::read(&text, &waku::TreeHash::of(&text)), Ok(entry));
    }
}

fn group_leaf(data: &[u8]) {
    if let Ok(leaf) = Leaf::decode(data) {
        assert_eq!(leaf.encode().as_deref(), Ok(data));
        assert_ne!(leaf_id(&[0; 32], data), leaf_id(&[1; 32], data));
    }
}

fn group_entry(data: &[u8]) {
    if let Ok(entry) = LogEntry::decode(data) {
        assert_eq!(entry.encode().as_deref(), Ok(data));
        let signed = entry.signed_bytes(&[7; 32]).expect("what was read has an id");
        assert_eq!(signed.get(32..), data.get(..data.len() - 64));
        assert_ne!(entry.id(&[7; 32]), entry.id(&[8; 32]));
    }
}

fn group_masked(data: &[u8]) {
    if let Ok(masked) = Masked::decode(data) {
        assert_eq!(masked.encode().as_deref(), Ok(data));
        let class = masked.class().expect("what was read has a class");
        assert!(envelope::pad(data, envelope::room(class, envelope::Form::Sealed)).is_ok());
    }
}

fn group_inner(data: &[u8]) {
    if let Ok(inner) = GroupInner::decode(data) {
        // Unknown fields are skipped, so compare what was read.
        assert_eq!(inner.encode().and_then(|bytes| GroupInner::decode(&bytes)), Ok(inner));
    }
}

fn group_handover(data: &[u8]) {
    if let Ok(handover) = Handover::decode(data) {
        assert_eq!(handover.encode().as_deref(), Ok(data));
    }
}
