//! Something for rustc to chew on, and to run: generics, traits, iterators, threads. Prints the same on every run.
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::fmt::{self, Display, Write};
use std::rc::Rc;
use std::sync::{Arc, Mutex, mpsc};
use std::thread;

struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }

    fn word(&mut self) -> String {
        (0..=self.below(20)).map(|_| char::from(b'a' + self.below(26) as u8)).collect()
    }
}

#[derive(Clone, Debug, PartialEq)]
enum Json {
    Null,
    Number(u64),
    Text(String),
    List(Vec<Json>),
    Object(BTreeMap<String, Rc<Json>>),
}

impl Json {
    fn grow(random: &mut Random, depth: u32) -> Self {
        match random.below(if depth == 0 { 3 } else { 5 }) {
            0 => Self::Null,
            1 => Self::Number(random.below(1000)),
            2 => Self::Text(random.word()),
            3 => Self::List((0..random.below(8)).map(|_| Self::grow(random, depth - 1)).collect()),
            _ => Self::Object((0..random.below(8)).map(|_| (random.word(), Rc::new(Self::grow(random, depth - 1)))).collect()),
        }
    }
}

impl Display for Json {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("null"),
            Self::Number(n) => n.fmt(f),
            Self::Text(text) => write!(f, "{text:?}"),
            Self::List(items) => items.iter().try_for_each(|item| write!(f, "[{item}]")),
            Self::Object(fields) => fields.iter().try_for_each(|(name, value)| write!(f, "{{{name}:{value}}}")),
        }
    }
}

fn hash(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3))
}

fn trees(seed: u64) -> u64 {
    let mut random = Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    let mut text = String::new();
    for _ in 0..300 {
        let tree = Json::grow(&mut random, 5);
        assert_eq!(tree, tree.clone());
        write!(text, "{tree}").expect("writing to a String cannot fail");
    }
    hash(&text)
}

fn words(seed: u64) -> u64 {
    let mut random = Random(seed + 1);
    let mut count = HashMap::<String, VecDeque<u64>>::new();
    for n in 0..20_000 {
        count.entry(random.word()).or_default().push_front(n);
    }
    let mut sorted: Vec<_> = count.into_iter().collect();
    sorted.sort_by(|a, b| (a.1.len(), &a.0).cmp(&(b.1.len(), &b.0)));
    hash(&format!("{sorted:?}"))
}

fn main() {
    let (sender, receiver) = mpsc::channel();
    let done = Arc::new(Mutex::new(0));
    for seed in 1..=6 {
        let (sender, done) = (sender.clone(), Arc::clone(&done));
        thread::spawn(move || {
            let result = format!("{seed} {:016x} {:016x}", trees(seed), words(seed));
            *done.lock().expect("no holder panics") += 1;
            sender.send(result).expect("the receiver waits for all");
        });
    }
    drop(sender);
    let mut lines: Vec<String> = receiver.iter().collect();
    lines.sort();
    println!("{}\n{} done", lines.join("\n"), done.lock().expect("no holder panics"));
}
