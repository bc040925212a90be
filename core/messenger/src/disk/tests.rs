use std::fs::{self, File};
use std::io::Write as _;
use std::os::unix::fs::{PermissionsExt as _, symlink};

use proptest::prelude::*;
use rand_core::{TryRng, UnwrapErr};
use sotto_crypto::{FileKey, blob_seal, blob_tag};
use sotto_wire::envelope::{Class, Envelope, Form, pad, room};
use sotto_wire::file::Manifest;
use sotto_wire::hash::Hasher;
use tempfile::TempDir;

use super::*;

fn sys() -> UnwrapErr<getrandom::SysRng> {
    UnwrapErr(getrandom::SysRng)
}

fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    sys().fill_bytes(&mut bytes);
    bytes
}

fn content(len: usize) -> Vec<u8> {
    let mut bytes = vec![0; len];
    sys().fill_bytes(&mut bytes);
    bytes
}

fn sha256(bytes: &[u8]) -> [u8; 32] {
    let mut hasher = Hasher::default();
    hasher.update(bytes);
    hasher.finish()
}

fn disk() -> (TempDir, Disk) {
    let dir = tempfile::tempdir().unwrap();
    let disk = Disk::new(dir.path().join("files"), sys());
    (dir, disk)
}

/// Who has the file.
struct Sender {
    dir: TempDir,
    disk: Disk,
    file: Imported,
    pointer: FilePointer,
}

impl Sender {
    fn new(bytes: &[u8]) -> Self {
        let (dir, mut disk) = disk();
        let source = dir.path().join("source");
        fs::write(&source, bytes).unwrap();
        let file = disk.import(&source, false).unwrap();
        let root = if file.manifest.is_empty() { file.sha256 } else { sha256(&file.manifest) };
        let pointer = FilePointer::new(random(), file.place.size, root).unwrap();
        Self { dir, disk, file, pointer }
    }

    fn seal(&mut self, parts: &[Part]) -> Vec<Vec<u8>> {
        let mut payloads = Vec::new();
        for parts in parts.chunks(16) {
            let (source, pointer) = (Source::Place(self.file.place.clone()), self.pointer.clone());
            let (manifest, preview) = (self.file.manifest.clone(), b"a preview".to_vec());
            let order = Order::Seal { job: 7, source, pointer, manifest, preview, parts: parts.to_vec() };
            match self.disk.run(order) {
                Done::Sealed { job: 7, payloads: sealed } => payloads.extend(sealed),
                _ => panic!("not sealed"),
            }
        }
        assert_eq!(payloads.len(), parts.len());
        payloads
    }

    fn chunks(&self) -> Vec<Part> {
        let layout = self.pointer.layout();
        (0..layout.slots()).filter_map(|slot| layout.chunk(slot)).collect()
    }
}

/// An envelope that anybody who has the pointer can make.
fn forged(pointer: &FilePointer, part: Part, chunk: &[u8]) -> Vec<u8> {
    forged_in(pointer.layout().class(part).unwrap(), pointer, part, chunk)
}

fn forged_in(class: Class, pointer: &FilePointer, part: Part, chunk: &[u8]) -> Vec<u8> {
    let (key, random) = (FileKey::new(pointer.key()), Random(random()));
    let padded = pad(chunk, room(class, Form::Sealed)).unwrap();
    let body = blob_seal(&key, part.index(), &random, &padded);
    Envelope { tag: blob_tag(&key, part.index()).0, random: random.0, body: &body }.encode().unwrap()
}

/// Who downloads it, with the row that the engine keeps.
struct Receiver {
    dir: TempDir,
    disk: Disk,
    place: Place,
    pointer: FilePointer,
    have: Vec<u8>,
    manifest: Option<Vec<u8>>,
}

impl Receiver {
    fn new(pointer: &FilePointer) -> Self {
        let (dir, disk) = disk();
        let place = Place { name: random(), key: LocalKey::new(&random()), size: pointer.size() };
        let have = vec![0; pointer.layout().slots().div_ceil(8) as usize];
        Self { dir, disk, place, pointer: pointer.clone(), have, manifest: None }
    }

    fn set(&mut self, slot: u32, on: bool) {
        let (byte, bit) = (&mut self.have[slot as usize / 8], 1 << (slot % 8));
        *byte = if on { *byte | bit } else { *byte & !bit };
    }

    /// Slots written and dropped.
    fn take(&mut self, envelopes: Vec<Vec<u8>>) -> (Vec<u32>, Vec<u32>) {
        let (place, pointer, manifest) = (self.place.clone(), self.pointer.clone(), self.manifest.clone());
        let order = Order::Take { job: 8, place, pointer, manifest, have: self.have.clone(), envelopes };
        match self.disk.run(order) {
            Done::Took { job: 8, parts, manifest, dropped } => {
                assert!(parts.iter().all(|slot| !dropped.contains(slot)));
                dropped.iter().for_each(|&slot| self.set(slot, false));
                parts.iter().for_each(|&slot| self.set(slot, true));
                self.manifest = manifest.or(self.manifest.take());
                (parts, dropped)
            }
            _ => panic!("not taken"),
        }
    }

    fn finish(&mut self) -> Done {
        let (place, pointer, manifest) = (self.place.clone(), self.pointer.clone(), self.manifest.clone());
        self.disk.run(Order::Finish { job: 9, place, pointer, manifest, have: self.have.clone() })
    }

    /// The file is whole and has these bytes.
    fn whole(&mut self, bytes: &[u8], manifest: &[u8]) {
        match self.finish() {
            Done::Whole { job: 9, sha256: hash, manifest: rebuilt, body } => {
                assert_eq!((hash, rebuilt.as_slice(), body.len()), (sha256(bytes), manifest, 0));
            }
            Done::Bad { parts, all, .. } => panic!("bad {parts:?} {all}"),
            _ => panic!("not finished"),
        }
        let read = self.disk.read(&self.place, 0, bytes.len()).unwrap();
        assert!(read == bytes.get(..read.len()).unwrap() && read.len() == bytes.len().min(MOST_READ));
        // Neither parity nor scratch stays.
        let path = self.disk.path(&self.place.name);
        let chunks = bytes.len().div_ceil(self.pointer.layout().chunk_len());
        assert_eq!(fs::metadata(path).unwrap().len(), (bytes.len() + 32 * chunks) as u64);
        assert_eq!(fs::read_dir(self.dir.path().join("files")).unwrap().count(), 1);
    }

    fn bad(&mut self) -> (Vec<u32>, bool) {
        match self.finish() {
            Done::Bad { job: 9, parts, all } => (parts, all),
            _ => panic!("not bad"),
        }
    }
}

fn sizes() -> impl Strategy<Value = usize> {
    prop_oneof![
        Just(1),
        Just(8142),
        Just(8143),
        8144..32_568usize,
        Just(32_568),
        Just(32_569),
        Just(2 * 65_486),
        65_000..700_000usize,
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    /// F1: any order, twins, any eighth lost, manifests or not, batches of any length.
    #[test]
    fn what_arrives_in_any_order_is_the_file(
        len in sizes(),
        order in prop::collection::vec(any::<u64>(), 64),
        manifests in 0..4usize,
        batch in 1..40usize,
        (offset, count) in (any::<u64>(), any::<u64>()),
    ) {
        let bytes = content(len);
        let mut sender = Sender::new(&bytes);
        let mut parts = sender.chunks();
        parts.sort_by_key(|part| order[part.index() as usize % 61]);
        parts.truncate(sender.pointer.layout().data_chunks() as usize);
        if parts.len() > 1 {
            let copies = [Part::Manifest, Part::ManifestCopy];
            copies.into_iter().take(manifests.min(2)).for_each(|copy| {
                let at = order[63] as usize % parts.len();
                parts.insert(at, copy);
            });
        }
        let twin = |part: &&Part| order[part.index() as usize % 59] % 3 == 0;
        let twins: Vec<Part> = parts.iter().filter(twin).copied().collect();
        parts.extend(twins);
        let envelopes = sender.seal(&parts);
        let mut receiver = Receiver::new(&sender.pointer);
        let mut written = 0;
        for envelopes in envelopes.chunks(batch) {
            let (parts, dropped) = receiver.take(envelopes.to_vec());
            written += parts.len();
            prop_assert!(dropped.is_empty());
        }
        // None is counted twice.
        prop_assert_eq!(written, sender.pointer.layout().data_chunks() as usize);
        receiver.whole(&bytes, &sender.file.manifest);
        for side in [&sender.disk.read(&sender.file.place, 0, len), &receiver.disk.read(&receiver.place, 0, len)] {
            prop_assert_eq!(side.as_ref().unwrap(), &bytes);
        }
        let (from, count) = (offset % (len as u64 + 5), (count % (len as u64 + 5)) as usize);
        let end = (from as usize).saturating_add(count).min(len);
        let expected = bytes.get(from as usize..end).unwrap_or_default();
        prop_assert_eq!(receiver.disk.read(&receiver.place, from, count).unwrap(), expected);
        let copy = receiver.dir.path().join("copy");
        receiver.disk.export(&receiver.place, &copy).unwrap();
        prop_assert_eq!(fs::read(copy).unwrap(), bytes);
    }

    #[test]
    fn nothing_hostile_is_taken_or_breaks_anything(
        len in 1..200_000u64,
        mut payload in prop::collection::vec(any::<u8>(), 0..600),
        class in 0..5usize,
        tag in any::<prop::sample::Index>(),
        have in prop::collection::vec(any::<u8>(), 0..4),
        manifest in prop::option::of(prop::collection::vec(any::<u8>(), 0..200)),
    ) {
        let pointer = FilePointer::new(random(), len, random()).unwrap();
        let (_dir, mut disk) = disk();
        let place = Place { name: random(), key: LocalKey::new(&random()), size: len };
        let parts: Vec<Part> = pointer.layout().parts(true).chain([Part::Data(5000), Part::Parity(9)]).collect();
        if let Some(&size) = [512, 2048, 8192, 65_536].get(class) {
            payload.resize(size, 7);
            payload[0] = 1;
            payload[1..17].copy_from_slice(&blob_tag(&FileKey::new(pointer.key()), tag.get(&parts).index()).0);
        }
        let envelopes = vec![payload.clone(), payload];
        let (place_of, pointer_of) = (|| place.clone(), || pointer.clone());
        let order = Order::Take { job: 1, place: place_of(), pointer: pointer_of(), manifest: manifest.clone(),
            have: have.clone(), envelopes: envelopes.clone() };
        match disk.run(order) {
            Done::Took { parts, manifest: None, dropped, .. } => prop_assert!(parts.is_empty() && dropped.is_empty()),
            _ => prop_assert!(false),
        }
        let order = Order::Finish { job: 1, place: place_of(), pointer: pointer_of(), manifest, have };
        let bad = matches!(disk.run(order), Done::Bad { .. });
        prop_assert!(bad);
        let order = Order::Preview { job: 1, pointer: pointer_of(), size: len as u32, envelopes };
        let none = matches!(disk.run(order), Done::Preview { bytes: None, .. });
        prop_assert!(none);
    }
}

/// F3: a member's forgeries have right tags. Before the manifest is known they are written, then dropped.
#[test]
fn forged_chunks_and_manifests_cost_nothing_but_themselves() {
    let bytes = content(300_000);
    let mut sender = Sender::new(&bytes);
    let pointer = sender.pointer.clone();
    let mut receiver = Receiver::new(&pointer);
    let wrong = |part: Part| forged(&pointer, part, &vec![9; pointer.layout().part_len(part).unwrap()]);
    let short = forged(&pointer, Part::Data(0), &[9; 100]);
    assert_eq!(receiver.take(vec![short, wrong(Part::Data(4)), wrong(Part::Parity(0))]), (vec![4, 5], vec![]));
    assert_eq!(receiver.take(vec![wrong(Part::Manifest), wrong(Part::ManifestCopy)]), (vec![], vec![]));
    assert!(receiver.manifest.is_none());
    let good = sender.seal(&[Part::Data(2), Part::ManifestCopy]);
    assert_eq!(receiver.take([vec![wrong(Part::Data(2))], good].concat()), (vec![2], vec![4, 5]));
    // With the manifest each chunk is checked alone.
    let good = sender.seal(&[Part::Data(0), Part::Data(4), Part::Data(1), Part::Parity(0)]);
    let [zero, four, one, parity] = good.try_into().unwrap();
    let mixed = vec![wrong(Part::Data(0)), wrong(Part::Parity(0)), zero, wrong(Part::Data(4)), four, parity, one];
    assert_eq!(receiver.take(mixed), (vec![0, 4, 5, 1], vec![]));
    receiver.whole(&bytes, &sender.file.manifest);
}

/// A part has one class, so that nobody is marked by the length of what he fetches.
#[test]
fn a_chunk_in_another_class_is_not_taken() {
    let bytes = content(10_000);
    let sender = Sender::new(&bytes);
    let mut receiver = Receiver::new(&sender.pointer);
    let envelope = |class| forged_in(class, &sender.pointer, Part::Data(1), &bytes[8142..]);
    assert_eq!(receiver.take(vec![envelope(Class::Medium), envelope(Class::Huge)]).0, [0; 0]);
    assert_eq!(receiver.take(vec![envelope(Class::Large)]).0, [1]);
}

/// The manifest may bring the right chunk along with the forged one.
#[test]
fn a_slot_filled_again_is_not_dropped() {
    let mut sender = Sender::new(&content(100_000));
    let pointer = sender.pointer.clone();
    let mut receiver = Receiver::new(&pointer);
    let len = pointer.layout().part_len(Part::Data(1)).unwrap();
    receiver.take(vec![forged(&pointer, Part::Data(1), &vec![1; len])]);
    assert_eq!(receiver.take(sender.seal(&[Part::Manifest, Part::Data(1)])), (vec![1], vec![]));
}

#[test]
fn sixteen_forged_chunks_of_a_tag_are_tried() {
    let bytes = content(100_000);
    let mut sender = Sender::new(&bytes);
    let pointer = sender.pointer.clone();
    let mut receiver = Receiver::new(&pointer);
    receiver.take(sender.seal(&[Part::Manifest]));
    let wrong = forged(&pointer, Part::Data(0), &vec![1; 65_486]);
    let right = sender.seal(&[Part::Data(0)]).remove(0);
    // What does not open is nobody's chunk and counts for nothing.
    let mut garbled = wrong.clone();
    garbled[500] ^= 1;
    assert_eq!(receiver.take(vec![garbled; 20]), (vec![], vec![]));
    assert_eq!(receiver.take(vec![wrong.clone(); 15]), (vec![], vec![]));
    assert_eq!(receiver.take(vec![wrong, right.clone()]), (vec![], vec![]));
    assert_eq!(receiver.take(vec![right]), (vec![], vec![]));
    // The parity replaces it.
    receiver.take(sender.seal(&[Part::Data(1), Part::Parity(0)]));
    receiver.whole(&bytes, &sender.file.manifest);
}

/// F4; and a forged chunk among them is noticed, though nobody knows which it is.
#[test]
fn without_manifests_the_root_decides() {
    let bytes = content(400_000);
    let mut sender = Sender::new(&bytes);
    let all = sender.chunks();
    let (lost, forge) = (2, Part::Data(4));
    let kept: Vec<Part> = all.into_iter().filter(|part| part.index() != lost).collect();
    let envelopes = sender.seal(&kept);
    let mut receiver = Receiver::new(&sender.pointer);
    receiver.take(envelopes.clone());
    receiver.whole(&bytes, &sender.file.manifest);

    let mut receiver = Receiver::new(&sender.pointer);
    let wrong = forged(&sender.pointer, forge, &vec![3; 65_486]);
    receiver.take([vec![wrong], envelopes].concat());
    assert_eq!(receiver.bad(), (vec![], true));
}

/// F7.
#[test]
fn a_wrong_root_is_never_whole() {
    for len in [100, 20_000, 300_000] {
        let mut sender = Sender::new(&content(len));
        let parts: Vec<Part> = sender.pointer.layout().parts(false).collect();
        let envelopes = sender.seal(&parts);
        let other = FilePointer::new(*sender.pointer.key(), len as u64, random()).unwrap();
        let mut receiver = Receiver::new(&other);
        receiver.take(envelopes);
        assert!(receiver.manifest.is_none());
        // The one chunk of a small file is checked when it comes.
        let single = other.layout().slots() == 1;
        assert_eq!(receiver.bad(), (vec![], !single), "{len}");
    }
}

/// The author's parity is wrong, though his manifest names it.
#[test]
fn an_author_who_contradicts_himself_is_noticed() {
    let bytes = content(200_000);
    let mut sender = Sender::new(&bytes);
    let layout = sender.pointer.layout();
    let mut manifest = Manifest::default();
    let chunks: Vec<&[u8]> = bytes.chunks(layout.chunk_len()).collect();
    let parity = vec![5; layout.chunk_len()];
    chunks.iter().for_each(|chunk| manifest.push(chunk));
    manifest.push(&parity);
    sender.pointer = FilePointer::new(random(), bytes.len() as u64, manifest.root()).unwrap();
    sender.file.manifest = manifest.encode();
    let mut receiver = Receiver::new(&sender.pointer);
    let envelopes = sender.seal(&[Part::Manifest, Part::Data(0), Part::Data(1), Part::Data(2)]);
    assert_eq!(receiver.take(envelopes).0, [0, 1, 2]);
    assert_eq!(receiver.take(vec![forged(&sender.pointer, Part::Parity(0), &parity)]).0, [4]);
    assert_eq!(receiver.bad(), (vec![], true));
}

/// A power cut loses slots that the row has, or leaves half of one.
#[test]
fn slots_lost_on_disk_are_named_or_restored() {
    let bytes = content(900_000);
    let mut sender = Sender::new(&bytes);
    let (k, p) = (14, 2);
    assert_eq!((sender.pointer.layout().data_chunks(), sender.pointer.layout().parity_chunks()), (k, p));
    let parts: Vec<Part> = sender.pointer.layout().parts(false).collect();
    let envelopes = sender.seal(&parts);
    for with_manifest in [true, false] {
        let mut receiver = Receiver::new(&sender.pointer);
        receiver.take(envelopes.clone());
        if !with_manifest {
            receiver.manifest = None;
        }
        let path = receiver.disk.path(&receiver.place.name);
        let slot = 65_486 + 32;
        let damage = |at: usize| {
            let mut sealed = fs::read(&path).unwrap();
            sealed[at] ^= 1;
            fs::write(&path, sealed).unwrap();
        };
        // Three of sixteen: one too many.
        damage(0);
        damage(3 * slot + 500);
        fs::OpenOptions::new().write(true).open(&path).unwrap().set_len(15 * slot as u64 + 7).unwrap();
        assert_eq!(receiver.bad(), (vec![0, 3, 15], false));
        [0, 3, 15].into_iter().for_each(|slot| receiver.set(slot, false));
        assert_eq!(receiver.take(sender.seal(&[Part::Data(3)])).0, [3]);
        receiver.whole(&bytes, &sender.file.manifest);
    }
}

/// F10.
#[test]
fn no_plain_bytes_lie_in_the_folder() {
    let bytes = content(300_000);
    let mut sender = Sender::new(&bytes);
    let parts: Vec<Part> = sender.pointer.layout().parts(false).skip(1).collect();
    let mut receiver = Receiver::new(&sender.pointer);
    // How many bytes there are, and whether any 16 of them are the file's.
    let found = |dir: &Path| {
        let windows: HashSet<&[u8]> = bytes.windows(16).collect();
        let stored: Vec<Vec<u8>> =
            fs::read_dir(dir).unwrap().map(|entry| fs::read(entry.unwrap().path()).unwrap()).collect();
        let plain = stored.iter().any(|stored| stored.windows(16).any(|window| windows.contains(window)));
        (stored.concat().len(), plain)
    };
    let slot = 65_486 + 32;
    assert_eq!(found(&sender.dir.path().join("files")), (6 * slot, false));
    receiver.take(sender.seal(&parts));
    assert_eq!(found(&receiver.dir.path().join("files")), (6 * slot, false));
    receiver.whole(&bytes, &sender.file.manifest);
    assert_eq!(found(&receiver.dir.path().join("files")), (300_000 + 5 * 32, false));
    // The same search finds the source.
    fs::create_dir(sender.dir.path().join("plain")).unwrap();
    fs::rename(sender.dir.path().join("source"), sender.dir.path().join("plain/source")).unwrap();
    assert_eq!(found(&sender.dir.path().join("plain")), (300_000, true));
}

/// F6, before and in the middle.
#[test]
fn a_full_disk_stops_and_leaves_nothing_half() {
    let bytes = content(300_000);
    let mut sender = Sender::new(&bytes);
    let source = sender.dir.path().join("source");
    let files = sender.dir.path().join("files");
    sender.disk.free = |_| Ok(SPARE + 700_000);
    assert_eq!(sender.disk.import(&source, false).err().unwrap().code(), Code::FileNoSpace);
    assert_eq!(fs::read_dir(&files).unwrap().count(), 1);
    sender.disk.free = |_| Ok(SPARE + 800_000);
    sender.disk.import(&source, false).unwrap();

    let pointer = sender.pointer.clone();
    let mut receiver = Receiver::new(&pointer);
    let envelopes = sender.seal(&[Part::Manifest, Part::Data(1)]);
    let order = |receiver: &Receiver| {
        let (place, pointer, have) = (receiver.place.clone(), receiver.pointer.clone(), receiver.have.clone());
        Order::Take { job: 3, place, pointer, manifest: None, have, envelopes: envelopes.clone() }
    };
    receiver.disk.free = |_| Ok(SPARE);
    let order_now = order(&receiver);
    assert!(matches!(receiver.disk.run(order_now), Done::Failed { job: 3, why: Trouble::NoSpace }));
    // Full in the middle.
    let path = receiver.disk.path(&receiver.place.name);
    symlink("/dev/full", &path).unwrap();
    let order_now = order(&receiver);
    assert!(matches!(receiver.disk.run(order_now), Done::Failed { job: 3, why: Trouble::NoSpace }));
    fs::remove_file(path).unwrap();
    receiver.disk.free = free_bytes;
    let parts: Vec<Part> = sender.pointer.layout().parts(false).collect();
    receiver.take(sender.seal(&parts));
    receiver.whole(&bytes, &sender.file.manifest);
}

/// Runs out of space, or loses its source, when the import draws its `calls`th random bytes.
struct Meddler<F> {
    calls: usize,
    meddle: F,
}

impl<F: Fn()> TryRng for Meddler<F> {
    type Error = std::convert::Infallible;
    fn try_next_u32(&mut self) -> Result<u32, Self::Error> {
        Ok(sys().next_u32())
    }
    fn try_next_u64(&mut self) -> Result<u64, Self::Error> {
        Ok(sys().next_u64())
    }
    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Self::Error> {
        self.calls = self.calls.wrapping_sub(1);
        if self.calls == 0 {
            (self.meddle)();
        }
        sys().fill_bytes(bytes);
        Ok(())
    }
}

impl<F: Fn()> rand_core::TryCryptoRng for Meddler<F> {}

#[test]
fn a_source_that_changes_while_it_is_read_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let (source, files) = (dir.path().join("source"), dir.path().join("files"));
    type Change = fn(&Path);
    let changes: [(&str, Change); 4] = [
        ("cut", |source| fs::OpenOptions::new().write(true).open(source).unwrap().set_len(150_000).unwrap()),
        ("longer", |source| fs::OpenOptions::new().append(true).open(source).unwrap().write_all(b"more").unwrap()),
        ("other bytes", |source| {
            let file = fs::OpenOptions::new().write(true).open(source).unwrap();
            file.set_modified(std::time::SystemTime::UNIX_EPOCH).unwrap();
        }),
        ("untouched", |_| {}),
    ];
    for (what, change) in changes {
        fs::write(&source, content(300_000)).unwrap();
        let path = source.clone();
        let mut disk = Disk::new(files.clone(), Meddler { calls: 5, meddle: move || change(&path) });
        let imported = disk.import(&source, false);
        let code = imported.as_ref().err().map(Error::code);
        assert_eq!(code, (what != "untouched").then_some(Code::FileUnreadable), "{what}");
        assert_eq!(fs::read_dir(&files).unwrap().count(), usize::from(what == "untouched"), "{what}");
    }
}

#[test]
fn only_plain_files_of_the_right_size_are_imported() {
    let (dir, mut disk) = disk();
    let path = |name: &str| dir.path().join(name);
    fs::create_dir(path("folder")).unwrap();
    fs::write(path("empty"), b"").unwrap();
    File::create(path("huge")).unwrap().set_len(sotto_wire::file::MAX_FILE + 1).unwrap();
    rustix::fs::mknodat(
        rustix::fs::CWD,
        path("pipe"),
        rustix::fs::FileType::Fifo,
        rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR,
        0,
    )
    .unwrap();
    let code = |disk: &mut Disk, path: &Path| disk.import(path, true).err().map(|error| error.code());
    for name in ["folder", "missing", "pipe"] {
        assert_eq!(code(&mut disk, &path(name)), Some(Code::FileUnreadable), "{name}");
    }
    assert_eq!(code(&mut disk, Path::new("/dev/zero")), Some(Code::FileUnreadable));
    assert_eq!(code(&mut disk, &path("empty")), Some(Code::TextEmpty));
    assert_eq!(code(&mut disk, &path("huge")), Some(Code::FileTooLarge));
    assert!(!path("files").exists());
}

#[test]
fn an_export_overwrites_nothing_and_leaves_nothing_half() {
    let bytes = content(200_000);
    let mut sender = Sender::new(&bytes);
    let (place, disk) = (&sender.file.place, &mut sender.disk);
    let path = |name: &str| sender.dir.path().join(name);
    disk.export(place, &path("copy")).unwrap();
    assert_eq!(fs::read(path("copy")).unwrap(), bytes);
    assert_eq!(fs::metadata(path("copy")).unwrap().permissions().mode() & 0o111, 0);
    symlink(path("elsewhere"), path("link")).unwrap();
    for name in ["copy", "link", "files"] {
        assert_eq!(disk.export(place, &path(name)).unwrap_err().code(), Code::FileExists, "{name}");
    }
    assert!(!path("elsewhere").exists());
    let error = disk.export(place, &path("no folder").join("copy")).unwrap_err();
    assert_eq!(error.code(), Code::StorageReadOnly);

    let stored = disk.path(&place.name);
    assert_eq!(fs::metadata(&stored).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(fs::metadata(path("files")).unwrap().permissions().mode() & 0o777, 0o700);
    let mut sealed = fs::read(&stored).unwrap();
    sealed[100_000] ^= 1;
    fs::write(&stored, sealed).unwrap();
    assert_eq!(disk.export(place, &path("damaged")).unwrap_err().code(), Code::FileCorrupt);
    let mut left: Vec<_> = fs::read_dir(sender.dir.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    left.sort();
    assert_eq!(left, ["copy", "files", "link", "source"]);
    assert_eq!(disk.read(place, 65_400, 200).unwrap_err().code(), Code::FileCorrupt);
    assert_eq!(disk.read(place, 0, 65_486).unwrap(), bytes[..65_486]);
    fs::remove_file(&stored).unwrap();
    assert_eq!(disk.read(place, 0, 1).unwrap_err().code(), Code::FileUnreadable);
}

/// A process may be killed at any time.
#[test]
fn an_export_has_its_name_when_it_is_whole() {
    let bytes = content(8_000_000);
    let mut sender = Sender::new(&bytes);
    let copy = sender.dir.path().join("copy");
    std::thread::scope(|scope| {
        let export = scope.spawn(|| sender.disk.export(&sender.file.place, &copy));
        while !export.is_finished() {
            let seen = fs::metadata(&copy).map_or(bytes.len() as u64, |stat| stat.len());
            assert_eq!(seen, bytes.len() as u64);
        }
        export.join().unwrap().unwrap();
    });
    assert!(fs::read(&copy).unwrap() == bytes);
}

#[test]
fn an_order_that_nobody_waits_for_ends_while_it_makes_parity() {
    let bytes = content(1_000_000);
    let mut sender = Sender::new(&bytes);
    let parity = || vec![Part::Parity(0)];
    let whole = sender.seal(&parity());
    sender.disk.run(Order::Trim { place: sender.file.place.clone() });
    let trimmed = fs::metadata(sender.disk.path(&sender.file.place.name)).unwrap().len();
    // The key of the scratch space is the first that it draws.
    let files = sender.dir.path().join("files");
    let (mut stop, mut seen) = (Stop::default(), Vec::new());
    for (ends, job) in [(true, 7), (false, 7), (false, 8)] {
        let meddler = stop.clone();
        let meddle = move || _ = ends.then(|| meddler.job(7));
        sender.disk = Disk::new(files.clone(), Meddler { calls: 1, meddle });
        (sender.disk.stop, stop) = (stop.clone(), stop);
        let order = Order::Seal {
            job,
            source: Source::Place(sender.file.place.clone()),
            pointer: sender.pointer.clone(),
            manifest: Vec::new(),
            preview: Vec::new(),
            parts: parity(),
        };
        seen.push(match sender.disk.run(order) {
            Done::Nothing => None,
            Done::Sealed { payloads, .. } => Some(payloads == whole),
            _ => panic!("failed"),
        });
        assert_eq!(fs::metadata(sender.disk.path(&sender.file.place.name)).unwrap().len() > trimmed, job == 8);
    }
    assert_eq!(seen, [None, None, Some(true)], "one that runs, one that waits, and another one");
    sender.disk.run(Order::Stop { job: 7 });
    assert!(sender.seal(&parity()) == whole, "job 7 again");
    assert_eq!(fs::read_dir(files).unwrap().count(), 1);
}

#[test]
fn a_sweep_keeps_what_rows_name() {
    let mut sender = Sender::new(&content(9000));
    let files = sender.dir.path().join("files");
    let second = sender.disk.import(&sender.dir.path().join("source"), false).unwrap().place;
    let kept = sender.file.place.name;
    fs::write(sender.disk.scratch(&kept), b"left by a crash").unwrap();
    fs::write(files.join("else"), b"").unwrap();
    fs::create_dir(files.join("a folder")).unwrap();
    sender.disk.sweep(&HashSet::from([kept])).unwrap();
    fs::remove_dir(files.join("a folder")).unwrap();
    let names: Vec<String> =
        fs::read_dir(&files).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    assert_eq!(names, [hex(&kept)]);
    assert!(!sender.disk.path(&second.name).exists());
    sender.disk.run(Order::Remove { names: vec![kept, second.name] });
    assert_eq!(fs::read_dir(&files).unwrap().count(), 0);
    // Nothing to sweep before the first file.
    let (_dir, disk) = disk();
    disk.sweep(&HashSet::new()).unwrap();
}

/// Whoever has the file publishes the same bytes. After the upload the parity goes, and is made again when needed.
#[test]
fn chunks_follow_from_the_key_and_parity_is_made_again() {
    let bytes = content(300_000);
    let mut sender = Sender::new(&bytes);
    let parts: Vec<Part> = sender.pointer.layout().parts(true).collect();
    let first = sender.seal(&parts);
    assert_eq!(sender.seal(&parts), first);
    let mut receiver = Receiver::new(&sender.pointer);
    receiver.take(first.clone());
    receiver.whole(&bytes, &sender.file.manifest);
    sender.disk.run(Order::Trim { place: sender.file.place.clone() });
    let data = parts.iter().filter(|part| matches!(part, Part::Data(_))).copied().collect::<Vec<_>>();
    assert_eq!(sender.seal(&data), first[..data.len()]);
    for disk in [&mut sender.disk, &mut receiver.disk] {
        let place = if disk.path(&sender.file.place.name).exists() { &sender.file.place } else { &receiver.place };
        let order = Order::Seal {
            job: 4,
            source: Source::Place(place.clone()),
            pointer: sender.pointer.clone(),
            manifest: Vec::new(),
            preview: Vec::new(),
            parts: vec![Part::Parity(0)],
        };
        let Done::Sealed { job: 4, payloads } = disk.run(order) else { panic!("not sealed") };
        let parity = parts.iter().position(|part| *part == Part::Parity(0)).unwrap();
        assert!(payloads == first[parity..=parity]);
    }
}

#[test]
fn a_preview_is_the_first_envelope_that_opens_with_its_size() {
    let mut sender = Sender::new(&content(10));
    let pointer = sender.pointer.clone();
    let good = sender.seal(&[Part::Preview]).remove(0);
    let other = sender.seal(&[Part::Data(0)]).remove(0);
    let mut garbled = good.clone();
    garbled[40] ^= 1;
    let mut preview = |envelopes: &[&Vec<u8>]| {
        let envelopes = envelopes.iter().map(|&one| one.clone()).collect();
        match sender.disk.run(Order::Preview { job: 2, pointer: pointer.clone(), size: 9, envelopes }) {
            Done::Preview { job: 2, bytes } => bytes,
            _ => panic!("no preview"),
        }
    };
    let long = forged(&pointer, Part::Preview, b"too long a preview");
    assert_eq!(preview(&[&other, &garbled, &long]), None);
    assert_eq!(preview(&[&other, &garbled, &long, &good]).unwrap(), b"a preview");
}

#[test]
fn placeholders_have_a_colour_and_garbage_has_none() {
    let red: Vec<u8> = [250, 10, 20, 255].repeat(6);
    let hash = placeholder(2, 3, &red).unwrap();
    assert!(hash.len() <= 32);
    let [r, g, b] = colour(&hash).unwrap();
    assert!(r > 230 && g < 40 && b < 40, "{r} {g} {b}");
    for (width, height, len) in [(0, 3, 0), (101, 1, 404), (2, 3, 23), (u32::MAX, u32::MAX, 4)] {
        assert_eq!(placeholder(width, height, &red[..len.min(24)]).unwrap_err().code(), Code::BadSetting);
    }
    for len in 0..40 {
        for byte in [0, 0x7f, 0x80, 0xff] {
            assert_eq!(colour(&vec![byte; len]).is_some(), len >= 6);
        }
    }
}

proptest! {
    #[test]
    fn placeholders_of_any_pixels_are_short(width in 1..=100u32, height in 1..=100u32, seed in any::<[u8; 16]>()) {
        let rgba: Vec<u8> = seed.into_iter().cycle().take((width * height * 4) as usize).collect();
        let hash = placeholder(width, height, &rgba).unwrap();
        prop_assert!(hash.len() <= 32 && colour(&hash).is_some(), "{}", hash.len());
    }
}

/// A body as its author has it, all its envelopes, and somebody who fetches it.
fn body(len: usize) -> (Vec<u8>, Vec<Vec<u8>>, Receiver) {
    let bytes = content(len);
    let pointer = FilePointer::bare(random(), &bytes).unwrap();
    let (dir, mut disk) = disk();
    let parts: Vec<Part> = pointer.layout().parts(false).collect();
    let source = Source::Bytes(bytes.clone());
    let order =
        Order::Seal { job: 1, source, pointer: pointer.clone(), manifest: Vec::new(), preview: Vec::new(), parts };
    let Done::Sealed { job: 1, payloads } = disk.run(order) else { panic!("not sealed") };
    assert!(fs::read_dir(dir.path()).unwrap().next().is_none(), "an own body is nowhere on the disk");
    (bytes, payloads, Receiver::new(&pointer))
}

#[test]
fn a_body_comes_back_as_bytes() {
    for len in [1, 8142, 8143, 32_569, 300_000, 1 << 20] {
        let (bytes, mut payloads, mut receiver) = body(len);
        payloads.reverse();
        let last = payloads.pop().unwrap();
        let (written, dropped) = receiver.take(payloads);
        assert_eq!((written.len() as u32 + 1, dropped.len()), (receiver.pointer.layout().data_chunks(), 0));
        if !written.is_empty() {
            assert!(matches!(receiver.finish(), Done::Bad { parts, all: false, .. } if parts.is_empty()), "{len}");
        }
        receiver.take(vec![last]);
        match receiver.finish() {
            Done::Whole { body, sha256: hash, manifest, .. } => {
                assert!(body == bytes && hash == sha256(&bytes) && manifest.is_empty(), "{len}");
            }
            _ => panic!("not whole: {len}"),
        }
    }
}

#[test]
fn of_the_chunks_of_a_body_the_latest_counts() {
    let (bytes, payloads, mut receiver) = body(20_000);
    let wrong = |receiver: &Receiver| forged(&receiver.pointer, Part::Data(1), &content(8142));
    receiver.take([payloads.clone(), vec![wrong(&receiver)]].concat());
    assert!(matches!(receiver.finish(), Done::Bad { parts, all: true, .. } if parts.is_empty()));
    receiver.take(vec![wrong(&receiver), payloads[1].clone()]);
    assert!(matches!(receiver.finish(), Done::Whole { body, .. } if body == bytes));
    // Of another length it is no chunk.
    let (bytes, payloads, mut receiver) = body(20_000);
    receiver.take([payloads, vec![forged(&receiver.pointer, Part::Data(1), &content(8141))]].concat());
    assert!(matches!(receiver.finish(), Done::Whole { body, .. } if body == bytes));
}

#[test]
fn the_only_chunk_of_a_body_is_checked_at_once() {
    let (bytes, payloads, mut receiver) = body(5000);
    let wrong = forged(&receiver.pointer, Part::Data(0), &content(5000));
    assert_eq!(receiver.take(vec![wrong.clone()]), (vec![], vec![0]));
    assert_eq!(receiver.take([vec![wrong.clone()], payloads, vec![wrong]].concat()), (vec![0], vec![]));
    assert!(matches!(receiver.finish(), Done::Whole { body, .. } if body == bytes));
}
