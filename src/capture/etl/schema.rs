//! Embedded schemas: TRACE_EVENT_INFO, value maps, TraceLogging.
//!
//! What enters: the records a merge adds, and the extended items of TraceLogging events. What leaves: [`Schemas`] and
//! decoded [`Fields`]. Guaranteed: offsets in a schema never reach outside its record; tables are bounded.

use super::event::{Event, wide_string};
use super::guid::{self, Guid};
use super::value::{self, Kind, Value, in_type, one_line};
use crate::bytes::Cursor;
use hashbrown::HashMap;

/// Properties of one event that are believed.
const PROPERTIES_MAX: u32 = 1024;

/// Schemas kept: one for each (provider, id, version) that occurs; rich traces have some thousands.
const SCHEMAS_MAX: usize = 16_384;

/// Value maps kept, and entries of one.
const MAPS_MAX: usize = 4096;
const MAP_ENTRIES_MAX: usize = 4096;

/// Values of one array.
const ARRAY_MAX: u64 = 1024;

/// Fields of one event, arrays and structs counted with their parts.
const FIELDS_MAX: usize = 4096;

/// Structs inside structs.
const DEPTH_MAX: u8 = 4;

const FLAG_STRUCT: u32 = 0x01;
const FLAG_LENGTH_IS_FIELD: u32 = 0x02;
const FLAG_COUNT_IS_FIELD: u32 = 0x04;
const FLAG_FIXED_LENGTH: u32 = 0x10;
const FLAG_FIXED_COUNT: u32 = 0x20;

/// One field of a schema.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Property {
    /// Name, English in every Windows.
    pub name: String,
    flags: u32,
    /// InType; for a struct the index of its first member.
    in_type: u16,
    /// OutType; for a struct the number of its members.
    out_type: u16,
    map: String,
    count: u16,
    length: u16,
}

/// What the trace says about one kind of event.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Schema {
    /// Name of the provider.
    pub provider_name: String,
    /// Name of the task.
    pub task: String,
    /// Message with `%1` places, in the language of the traced machine.
    pub message: String,
    top: usize,
    properties: Vec<Property>,
}

/// Fields of an event in order: name, value, value as text.
#[derive(Debug, Clone, Default)]
pub struct Fields {
    /// The fields.
    pub list: Vec<Field>,
    /// Bytes behind the last field; `None` when the data ended before the schema did.
    pub left: Option<usize>,
}

/// One decoded field.
#[derive(Debug, Clone)]
pub struct Field {
    /// Name.
    pub name: String,
    /// Value.
    pub value: Value,
    /// Value as text, with its name from a map where there is one.
    pub text: String,
}

impl Fields {
    /// The first field of that name.
    pub fn get(&self, name: &str) -> Option<&Field> {
        self.list.iter().find(|f| f.name.eq_ignore_ascii_case(name))
    }
}

/// All schemas and maps of a trace.
#[derive(Debug, Default)]
pub struct Schemas {
    by_event: HashMap<(Guid, u16, u16), Schema>,
    maps: HashMap<(Guid, String), Vec<(u32, String)>>,
}

impl Schemas {
    /// Takes a record of the EventMetadata class; others are left alone.
    pub fn take(&mut self, event: &Event<'_>) {
        if event.provider != guid::EVENT_METADATA {
            return;
        }
        match event.opcode {
            32 if self.by_event.len() < SCHEMAS_MAX => {
                if let Some((key, schema)) = parse_schema(event.user) {
                    self.by_event.insert(key, schema);
                }
            }
            33 if self.maps.len() < MAPS_MAX => {
                if let Some((key, map)) = parse_map(event.user) {
                    self.maps.insert(key, map);
                }
            }
            _ => {}
        }
    }

    /// The schema of a kind of event.
    pub fn get(&self, provider: Guid, id: u16, version: u16) -> Option<&Schema> {
        self.by_event.get(&(provider, id, version))
    }

    /// The name that a provider has in its schemas.
    pub fn provider_name(&self, provider: Guid) -> Option<&str> {
        self.by_event.iter().find(|((g, _, _), _)| *g == provider).map(|(_, s)| s.provider_name.as_str())
    }

    /// A value map of a provider.
    pub fn map(&self, provider: Guid, name: &str) -> Option<&[(u32, String)]> {
        // A key of owned text needs an allocation to be looked up; this is not done for packets.
        self.maps.get(&(provider, name.to_owned())).map(Vec::as_slice)
    }

    /// How many kinds of events are described.
    pub fn len(&self) -> usize {
        self.by_event.len()
    }

    /// Nothing is described.
    pub fn is_empty(&self) -> bool {
        self.by_event.is_empty()
    }

    /// Decodes user data by a schema.
    pub fn decode(&self, provider: Guid, schema: &Schema, user: &[u8], pointer: u8) -> Fields {
        let mut fields = Fields::default();
        let mut decoder = Decoder { schemas: self, provider, schema, numbers: HashMap::new(), pointer, total: 0 };
        let mut c = Cursor::new(user);
        let mut whole = true;
        for index in 0..schema.top {
            let Some(property) = schema.properties.get(index) else { break };
            let Some(value) = decoder.property(index, &mut c, 0) else {
                whole = false;
                break;
            };
            let text = decoder.text(property, &value);
            fields.list.push(Field { name: property.name.clone(), value, text });
        }
        fields.left = whole.then(|| c.remaining());
        fields
    }
}

struct Decoder<'s> {
    schemas: &'s Schemas,
    provider: Guid,
    schema: &'s Schema,
    /// Numbers met so far, for counts and lengths that refer to them.
    numbers: HashMap<usize, u64>,
    pointer: u8,
    total: usize,
}

impl Decoder<'_> {
    fn property(&mut self, index: usize, c: &mut Cursor<'_>, depth: u8) -> Option<Value> {
        let p = self.schema.properties.get(index)?;
        let referred = |this: &Self, field: u16| this.numbers.get(&usize::from(field)).copied().unwrap_or(0);
        let count = if p.flags & FLAG_COUNT_IS_FIELD != 0 { referred(self, p.count) } else { u64::from(p.count) };
        let length = if p.flags & FLAG_LENGTH_IS_FIELD != 0 { referred(self, p.length) } else { u64::from(p.length) };
        let array = p.flags & (FLAG_COUNT_IS_FIELD | FLAG_FIXED_COUNT) != 0 || count != 1;
        if count > ARRAY_MAX || depth > DEPTH_MAX {
            return None;
        }
        let kind = Kind {
            in_type: p.in_type,
            out_type: p.out_type,
            length: usize::try_from(length).ok()?,
            fixed: p.flags & (FLAG_LENGTH_IS_FIELD | FLAG_FIXED_LENGTH) != 0
                && (length > 0 || p.flags & FLAG_LENGTH_IS_FIELD != 0),
            pointer: self.pointer,
        };
        let mut values = Vec::new();
        for _ in 0..count {
            self.total += 1;
            if self.total > FIELDS_MAX {
                return None;
            }
            if p.flags & FLAG_STRUCT != 0 {
                let (first, members) = (usize::from(p.in_type), usize::from(p.out_type));
                let mut parts = Vec::new();
                for member in first..first.saturating_add(members) {
                    parts.push(self.property(member, c, depth + 1)?);
                }
                values.push(Value::List(parts));
            } else {
                values.push(value::read(kind, c)?);
            }
        }
        let value = match values.pop() {
            Some(only) if !array => only,
            Some(last) => {
                values.push(last);
                Value::List(values)
            }
            None => Value::List(values),
        };
        if let Some(n) = value.number() {
            self.numbers.insert(index, n);
        }
        Some(value)
    }

    fn text(&self, p: &Property, value: &Value) -> String {
        if let (false, Some(n)) = (p.map.is_empty(), value.number()) {
            let name = self
                .schemas
                .map(self.provider, &p.map)
                .and_then(|m| m.iter().find(|(v, _)| u64::from(*v) == n))
                .map(|(_, t)| t.as_str());
            if let Some(name) = name {
                return name.to_owned();
            }
        }
        value.text(if p.flags & FLAG_STRUCT != 0 { 0 } else { p.out_type })
    }
}

/// Puts field texts into the `%1` places of a message.
pub fn render(message: &str, fields: &Fields) -> String {
    let mut text = String::new();
    let mut rest = message;
    while let Some(at) = rest.find('%') {
        let (before, after) = rest.split_at(at);
        text.push_str(before);
        let after = after.get(1..).unwrap_or("");
        let digits = after.bytes().take(2).take_while(u8::is_ascii_digit).count();
        match after.get(..digits).and_then(|d| d.parse::<usize>().ok()) {
            Some(n) if n > 0 => {
                text.push_str(fields.list.get(n - 1).map_or("?", |f| f.text.as_str()));
                rest = after.get(digits..).unwrap_or("");
            }
            // %n, %t and %% of message texts.
            _ => {
                match after.bytes().next() {
                    Some(b'n' | b't' | b'r' | b'b') => text.push(' '),
                    Some(b'%') => text.push('%'),
                    _ => {
                        text.push('%');
                        rest = after;
                        continue;
                    }
                }
                rest = after.get(1..).unwrap_or("");
            }
        }
    }
    text.push_str(rest);
    one_line(&text)
}

/// TRACE_EVENT_INFO as the merge embeds it.
fn parse_schema(bytes: &[u8]) -> Option<((Guid, u16, u16), Schema)> {
    let text = |offset: u32| -> String {
        let at = usize::try_from(offset).ok().filter(|o| *o > 0);
        at.and_then(|o| bytes.get(o..)).map(|b| wide_string(&mut Cursor::new(b))).unwrap_or_default()
    };
    let mut c = Cursor::new(bytes);
    let provider = Guid::read(c.take(16)?)?;
    c.skip(16)?;
    let id = c.u16_le()?;
    let version = u16::from(c.u8()?);
    c.skip(13)?;
    // Decoding source, then offsets of texts.
    c.skip(4)?;
    let provider_name = c.u32_le()?;
    c.skip(12)?;
    let task = c.u32_le()?;
    c.skip(4)?;
    let message = c.u32_le()?;
    c.skip(20)?;
    let count = c.u32_le()?;
    let top = c.u32_le()?;
    c.skip(4)?;
    if count > PROPERTIES_MAX {
        return None;
    }
    let mut properties = Vec::new();
    for _ in 0..count {
        let flags = c.u32_le()?;
        let name = c.u32_le()?;
        let in_type = c.u16_le()?;
        let out_type = c.u16_le()?;
        let map = c.u32_le()?;
        let (count, length) = (c.u16_le()?, c.u16_le()?);
        c.skip(4)?;
        // For a struct, the place of the map offset is padding.
        let map = if flags & FLAG_STRUCT != 0 { String::new() } else { text(map) };
        properties.push(Property { name: one_line(&text(name)), flags, in_type, out_type, map, count, length });
    }
    let schema = Schema {
        provider_name: one_line(&text(provider_name)),
        task: one_line(&text(task)),
        message: text(message),
        top: usize::try_from(top.min(count)).ok()?,
        properties,
    };
    Some(((provider, id, version), schema))
}

/// A value map: provider, then EVENT_MAP_INFO, whose offsets count from behind the provider.
#[expect(clippy::type_complexity, reason = "key and entries as the table keeps them")]
fn parse_map(bytes: &[u8]) -> Option<((Guid, String), Vec<(u32, String)>)> {
    let provider = Guid::read(bytes)?;
    let info = bytes.get(16..)?;
    let text = |offset: u32| -> String {
        let at = usize::try_from(offset).ok();
        at.and_then(|o| info.get(o..)).map(|b| wide_string(&mut Cursor::new(b))).unwrap_or_default()
    };
    let mut c = Cursor::new(info);
    let name = c.u32_le()?;
    c.skip(4)?;
    let count = c.u32_le()? as usize;
    c.skip(4)?;
    let mut entries = Vec::new();
    for _ in 0..count.min(MAP_ENTRIES_MAX) {
        let (Some(offset), Some(value)) = (c.u32_le(), c.u32_le()) else { break };
        entries.push((value, one_line(&text(offset))));
    }
    Some(((provider, text(name)), entries))
}

/// A TraceLogging event: who it is, and its fields.
#[derive(Debug, Clone, Default)]
pub struct SelfDescribed {
    /// Provider name.
    pub provider: String,
    /// Event name.
    pub name: String,
    /// Fields.
    pub fields: Fields,
}

/// Type of the extended item with the schema of a TraceLogging event.
const EXT_SCHEMA: u16 = 11;
/// Type of the extended item with its provider's name.
const EXT_TRAITS: u16 = 12;

/// Provider name of a TraceLogging event, without decoding its fields.
pub fn self_described_provider<'e>(event: &Event<'e>) -> Option<&'e [u8]> {
    let traits = event.ext_item(EXT_TRAITS)?.get(2..)?;
    let end = traits.iter().position(|b| *b == 0)?;
    traits.get(..end)
}

/// Decodes a TraceLogging event by the schema it carries.
pub fn self_described(event: &Event<'_>) -> Option<SelfDescribed> {
    let schema = event.ext_item(EXT_SCHEMA)?;
    let provider = self_described_provider(event).map(|n| one_line(&String::from_utf8_lossy(n))).unwrap_or_default();
    let mut c = Cursor::new(schema);
    c.skip(2)?;
    while c.u8()? & 0x80 != 0 {}
    let name = ansi(&mut c)?;
    let mut fields = Fields::default();
    let mut user = Cursor::new(event.user);
    let mut whole = true;
    while !c.is_empty() && fields.list.len() < FIELDS_MAX {
        let Some((name, in_type, out_type, count)) = self_described_field(&mut c) else { break };
        if in_type == SELF_DESCRIBED_STRUCT && matches!(count, Count::One) {
            // Its members follow as fields of their own; arrays of structs are not read.
            continue;
        }
        let kind = Kind { in_type, out_type, pointer: event.pointer, ..Kind::default() };
        let count = match count {
            Count::One => None,
            Count::Fixed(n) => Some(n),
            Count::InData => match user.u16_le() {
                Some(n) => Some(n),
                None => {
                    whole = false;
                    break;
                }
            },
        };
        let value = match count {
            None => value::read(kind, &mut user),
            Some(n) if u64::from(n) <= ARRAY_MAX => {
                (0..n).map(|_| value::read(kind, &mut user)).collect::<Option<Vec<_>>>().map(Value::List)
            }
            Some(_) => None,
        };
        let Some(value) = value else {
            whole = false;
            break;
        };
        let text = value.text(out_type);
        fields.list.push(Field { name, value, text });
    }
    fields.left = whole.then(|| user.remaining());
    Some(SelfDescribed { provider, name, fields })
}

/// InType of a struct in a TraceLogging schema.
const SELF_DESCRIBED_STRUCT: u16 = 24;

enum Count {
    One,
    Fixed(u16),
    InData,
}

/// Name, InType, OutType and count of the next field of a TraceLogging schema.
fn self_described_field(c: &mut Cursor<'_>) -> Option<(String, u16, u16, Count)> {
    let name = ansi(c)?;
    let first = c.u8()?;
    let mut out_type = 0;
    if first & 0x80 != 0 {
        let out = c.u8()?;
        out_type = u16::from(out & 0x7F);
        if out & 0x80 != 0 {
            while c.u8()? & 0x80 != 0 {}
        }
    }
    let count = match first & 0x60 {
        0x20 => Count::Fixed(c.u16_le()?),
        0x40 => Count::InData,
        _ => Count::One,
    };
    // TraceLogging numbers its types as manifests do up to 21; counted text and bytes are 22, 23, 14.
    let in_type = match first & 0x1F {
        14 => in_type::COUNTED_BINARY_MANIFEST,
        n => u16::from(n),
    };
    Some((name, in_type, out_type, count))
}

fn ansi(c: &mut Cursor<'_>) -> Option<String> {
    let end = c.rest().iter().position(|b| *b == 0)?;
    let bytes = c.take(end)?;
    c.skip(1)?;
    Some(one_line(&String::from_utf8_lossy(bytes)))
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::capture::etl::event::{self, Event};

    fn wide(text: &str) -> Vec<u8> {
        text.encode_utf16().chain([0]).flat_map(u16::to_le_bytes).collect()
    }

    /// A TRACE_EVENT_INFO record; fields are (name, in type, out type, flags, count, length).
    pub(crate) fn record(
        provider: Guid,
        id: u16,
        message: &str,
        fields: &[(&str, u16, u16, u32, u16, u16)],
        map: &str,
    ) -> Vec<u8> {
        let mut texts = Vec::new();
        let base = 112 + 24 * fields.len();
        let mut add = |t: &str| {
            let at = (base + texts.len()) as u32;
            texts.extend(wide(t));
            at
        };
        let provider_name = add("Test-Provider");
        let message = add(message);
        let map = if map.is_empty() { 0 } else { add(map) };
        let mut properties = Vec::new();
        for (name, in_type, out_type, flags, count, length) in fields {
            properties.extend(flags.to_le_bytes());
            properties.extend(add(name).to_le_bytes());
            properties.extend(in_type.to_le_bytes());
            properties.extend(out_type.to_le_bytes());
            properties.extend(if *in_type == 8 { map } else { 0 }.to_le_bytes());
            properties.extend(count.to_le_bytes());
            properties.extend(length.to_le_bytes());
            properties.extend([0; 4]);
        }
        let mut r = provider.0.to_vec();
        r.extend([0; 16]);
        r.extend(id.to_le_bytes());
        r.extend([0; 14]);
        let mut words = [0u32; 16];
        words[1] = provider_name;
        words[7] = message;
        words[13] = fields.len() as u32;
        words[14] = fields.len() as u32;
        r.extend(words.iter().flat_map(|w| w.to_le_bytes()));
        r.extend(properties);
        r.extend(texts);
        r
    }

    pub(crate) fn classic(opcode: u8, user: &[u8]) -> Event<'_> {
        Event {
            kind: event::Kind::Classic,
            pointer: 8,
            cpu: 0,
            raw_time: None,
            pid: None,
            tid: None,
            provider: guid::EVENT_METADATA,
            group: 0,
            id: 0,
            version: 0,
            opcode,
            level: 0,
            keyword: 0,
            ext: &[],
            user,
            user_offset: 48,
            bad_ext: false,
        }
    }

    #[test]
    fn fields_lengths_counts_and_maps_are_decoded_and_rendered() {
        let provider = Guid([7; 16]);
        let r = record(
            provider,
            5,
            "Reason %1, address %3, list %5 100%% %n",
            &[
                ("Reason", 8, 0, 0, 1, 4),
                ("AddressLength", 8, 0, 0, 1, 4),
                ("Address", 14, 25, FLAG_LENGTH_IS_FIELD, 1, 1),
                ("Count", 6, 0, 0, 1, 2),
                ("List", 4, 0, FLAG_COUNT_IS_FIELD, 3, 1),
            ],
            "Reasons",
        );
        let mut schemas = Schemas::default();
        schemas.take(&classic(32, &r));
        let mut map = provider.0.to_vec();
        let base = 16 + 8u32;
        map.extend([base + 10, 1, 1, 0].iter().flat_map(|w: &u32| w.to_le_bytes()));
        map.extend([base, 9].iter().flat_map(|w: &u32| w.to_le_bytes()));
        map.extend(wide("why "));
        map.extend(wide("Reasons"));
        schemas.take(&classic(33, &map));

        let mut user = 9u32.to_le_bytes().to_vec();
        user.extend(16u32.to_le_bytes());
        user.extend([2, 0, 0x01, 0xBB, 10, 0, 0, 7, 0, 0, 0, 0, 0, 0, 0, 0]);
        user.extend([2, 0, 1, 2]);
        let schema = schemas.get(provider, 5, 0).unwrap();
        let fields = schemas.decode(provider, schema, &user, 8);
        assert_eq!(fields.left, Some(0));
        assert_eq!(fields.get("reason").unwrap().text, "why");
        assert_eq!(render(&schema.message, &fields), "Reason why, address 10.0.0.7:443, list 1, 2 100%");
        for cut in 0..user.len() {
            assert_eq!(schemas.decode(provider, schema, &user[..cut], 8).left, None, "cut at {cut}");
        }
    }

    #[test]
    fn damaged_schemas_neither_panic_nor_loop() {
        let r = record(Guid([7; 16]), 5, "%1", &[("A", 8, 0, 0, 1, 4), ("B", 1, 0, FLAG_STRUCT, 9, 9)], "");
        for at in 0..r.len() {
            for bit in 0..8 {
                let mut bad = r.clone();
                bad[at] ^= 1 << bit;
                let mut schemas = Schemas::default();
                schemas.take(&classic(32, &bad));
                schemas.take(&classic(33, &bad));
                for ((provider, _, _), schema) in &schemas.by_event {
                    let f = schemas.decode(*provider, schema, &[1; 40], 4);
                    render(&schema.message, &f);
                }
            }
            let mut schemas = Schemas::default();
            schemas.take(&classic(32, &r[..at]));
        }
    }

    /// A struct that contains itself ends.
    #[test]
    fn a_struct_of_itself_ends() {
        let r = record(Guid([7; 16]), 5, "", &[("A", 0, 1, FLAG_STRUCT, 1000, 0)], "");
        let mut schemas = Schemas::default();
        schemas.take(&classic(32, &r));
        let schema = schemas.get(Guid([7; 16]), 5, 0).unwrap();
        assert_eq!(schemas.decode(Guid([7; 16]), schema, &[1; 40], 4).left, None);
    }

    #[test]
    fn tracelogging_events_describe_themselves() {
        let item = |kind: u8, link: u8, data: &[u8]| {
            let total = (8 + data.len() + 7) & !7;
            let mut v = vec![total as u8, 0, kind, 0, link, 0, data.len() as u8, 0];
            v.extend_from_slice(data);
            v.resize(total, 0);
            v
        };
        let mut schema = vec![0, 0, 0];
        schema.extend(b"Heartbeat\0count\0\x08text\0\x02list\0\x46");
        let mut ext = item(12, 1, b"\x0f\0Contoso.Demo\0");
        ext.extend(item(11, 0, &schema));
        let mut e = classic(0, b"\x05\0\0\0hello\0\x02\0\x07\0\x08\0");
        e.ext = &ext;
        let d = self_described(&e).unwrap();
        assert_eq!((d.provider.as_str(), d.name.as_str()), ("Contoso.Demo", "Heartbeat"));
        let texts: Vec<_> = d.fields.list.iter().map(|f| f.text.as_str()).collect();
        assert_eq!(texts, ["5", "hello", "7, 8"]);
        assert_eq!(d.fields.left, Some(0));
    }
}
