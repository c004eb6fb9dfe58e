//! The functions that expressions may call, and their types.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use super::types::Type;

/// One way to call a function.
#[derive(Clone, Debug)]
pub(super) struct Overload {
    /// The receiver of a method.
    pub(super) target: Option<Type>,
    pub(super) args: Vec<Type>,
    pub(super) result: Type,
}

/// Name and overloads (`receiver.(arguments)->result`, separated by blanks). `A` and `B` stand for any type.
const TABLE: &[(&str, &str)] = &[
    // Operators.
    ("_?_:_", "(bool,A,A)->A"),
    ("_&&_", "(bool,bool)->bool"),
    ("_||_", "(bool,bool)->bool"),
    ("!_", "(bool)->bool"),
    ("_==_", "(A,A)->bool"),
    ("_!=_", "(A,A)->bool"),
    ("@in", "(A,list(A))->bool (A,map(A,B))->bool"),
    ("_<_", ORDER),
    ("_<=_", ORDER),
    ("_>_", ORDER),
    ("_>=_", ORDER),
    (
        "_+_",
        "(int,int)->int (uint,uint)->uint (double,double)->double (string,string)->string (bytes,bytes)->bytes \
         (list(A),list(A))->list(A) (ts,dur)->ts (dur,ts)->ts (dur,dur)->dur",
    ),
    (
        "_-_",
        "(int,int)->int (uint,uint)->uint (double,double)->double (ts,ts)->dur (ts,dur)->ts (dur,dur)->dur",
    ),
    ("_*_", "(int,int)->int (uint,uint)->uint (double,double)->double"),
    ("_/_", "(int,int)->int (uint,uint)->uint (double,double)->double"),
    ("_%_", "(int,int)->int (uint,uint)->uint"),
    ("-_", "(int)->int (double)->double"),
    ("_[_]", "(list(A),int)->A (map(A,B),A)->B (opt(list(A)),int)->opt(A) (opt(map(A,B)),A)->opt(B)"),
    (
        "_[?_]",
        "(list(A),int)->opt(A) (map(A,B),A)->opt(B) (opt(list(A)),int)->opt(A) (opt(map(A,B)),A)->opt(B)",
    ),
    // The standard library.
    (
        "size",
        "(string)->int (bytes)->int (list(A))->int (map(A,B))->int string.()->int bytes.()->int list(A).()->int \
         map(A,B).()->int",
    ),
    ("type", "(A)->type(A)"),
    ("dyn", "(A)->dyn"),
    ("bool", "(bool)->bool (string)->bool"),
    ("bytes", "(bytes)->bytes (string)->bytes"),
    ("double", "(double)->double (int)->double (uint)->double (string)->double"),
    ("duration", "(dur)->dur (string)->dur (int)->dur"),
    ("int", "(int)->int (uint)->int (double)->int (string)->int (ts)->int (dur)->int"),
    (
        "string",
        "(string)->string (bool)->string (bytes)->string (double)->string (int)->string (uint)->string (ts)->string \
         (dur)->string (ip)->string (cidr)->string",
    ),
    ("timestamp", "(ts)->ts (string)->ts (int)->ts"),
    ("uint", "(uint)->uint (int)->uint (double)->uint (string)->uint"),
    ("matches", "(string,string)->bool string.(string)->bool"),
    ("contains", "string.(string)->bool"),
    ("endsWith", "string.(string)->bool"),
    ("startsWith", "string.(string)->bool"),
    ("getFullYear", DATE),
    ("getMonth", DATE),
    ("getDayOfYear", DATE),
    ("getDayOfMonth", DATE),
    ("getDate", DATE),
    ("getDayOfWeek", DATE),
    ("getHours", CLOCK),
    ("getMinutes", CLOCK),
    ("getSeconds", CLOCK),
    ("getMilliseconds", CLOCK),
    // Optional values.
    ("optional.of", "(A)->opt(A)"),
    ("optional.ofNonZeroValue", "(A)->opt(A)"),
    ("optional.none", "()->opt(A)"),
    ("hasValue", "opt(A).()->bool"),
    ("value", "opt(A).()->A"),
    ("or", "opt(A).(opt(A))->opt(A)"),
    ("orValue", "opt(A).(A)->A"),
    // Strings.
    ("charAt", "string.(int)->string"),
    ("indexOf", "string.(string)->int string.(string,int)->int list(A).(A)->int"),
    ("lastIndexOf", "string.(string)->int string.(string,int)->int list(A).(A)->int"),
    ("lowerAscii", "string.()->string"),
    ("upperAscii", "string.()->string"),
    ("replace", "string.(string,string)->string string.(string,string,int)->string"),
    ("split", "string.(string)->list(string) string.(string,int)->list(string)"),
    ("substring", "string.(int)->string string.(int,int)->string"),
    ("trim", "string.()->string"),
    ("join", "list(string).()->string list(string).(string)->string"),
    ("format", "string.(list(dyn))->string"),
    ("strings.quote", "(string)->string"),
    // Regular expressions.
    ("find", "string.(string)->string"),
    ("findAll", "string.(string)->list(string) string.(string,int)->list(string)"),
    // Lists.
    ("isSorted", "list(A).()->bool"),
    ("sum", "list(int).()->int list(uint).()->uint list(double).()->double list(dur).()->dur"),
    ("min", "list(A).()->A"),
    ("max", "list(A).()->A"),
    ("slice", "list(A).(int,int)->list(A)"),
    ("flatten", "list(list(A)).()->list(A) list(dyn).(int)->list(dyn)"),
    ("distinct", "list(A).()->list(A)"),
    ("reverse", "list(A).()->list(A)"),
    ("sort", "list(A).()->list(A)"),
    ("first", "list(A).()->opt(A)"),
    ("last", "list(A).()->opt(A)"),
    ("lists.range", "(int)->list(int)"),
    // Sets.
    ("sets.contains", "(list(A),list(A))->bool"),
    ("sets.equivalent", "(list(A),list(A))->bool"),
    ("sets.intersects", "(list(A),list(A))->bool"),
    // URLs.
    ("url", "(string)->url"),
    ("isURL", "(string)->bool"),
    ("getScheme", "url.()->string"),
    ("getHost", "url.()->string"),
    ("getHostname", "url.()->string"),
    ("getPort", "url.()->string"),
    ("getEscapedPath", "url.()->string"),
    ("getQuery", "url.()->map(string,list(string))"),
    // Addresses.
    ("ip", "(string)->ip cidr.()->ip"),
    ("isIP", "(string)->bool"),
    ("ip.isCanonical", "(string)->bool"),
    ("family", "ip.()->int"),
    ("isUnspecified", "ip.()->bool"),
    ("isLoopback", "ip.()->bool"),
    ("isLinkLocalMulticast", "ip.()->bool"),
    ("isLinkLocalUnicast", "ip.()->bool"),
    ("isGlobalUnicast", "ip.()->bool"),
    ("cidr", "(string)->cidr"),
    ("isCIDR", "(string)->bool"),
    ("containsIP", "cidr.(ip)->bool cidr.(string)->bool"),
    ("containsCIDR", "cidr.(cidr)->bool cidr.(string)->bool"),
    ("masked", "cidr.()->cidr"),
    ("prefixLength", "cidr.()->int"),
    // Quantities and versions.
    ("quantity", "(string)->quantity"),
    ("isQuantity", "(string)->bool"),
    ("isInteger", "quantity.()->bool"),
    ("asInteger", "quantity.()->int"),
    ("asApproximateFloat", "quantity.()->double"),
    ("sign", "quantity.()->int"),
    ("add", "quantity.(quantity)->quantity quantity.(int)->quantity"),
    ("sub", "quantity.(quantity)->quantity quantity.(int)->quantity"),
    ("compareTo", "quantity.(quantity)->int semver.(semver)->int"),
    ("isGreaterThan", "quantity.(quantity)->bool semver.(semver)->bool"),
    ("isLessThan", "quantity.(quantity)->bool semver.(semver)->bool"),
    ("semver", "(string)->semver (string,bool)->semver"),
    ("isSemver", "(string)->bool (string,bool)->bool"),
    ("major", "semver.()->int"),
    ("minor", "semver.()->int"),
    ("patch", "semver.()->int"),
    // Named formats.
    ("format.named", "(string)->opt(format)"),
    ("validate", "format.(string)->opt(list(string))"),
    ("format.dns1123Label", "()->format"),
    ("format.dns1123Subdomain", "()->format"),
    ("format.dns1035Label", "()->format"),
    ("format.qualifiedName", "()->format"),
    ("format.dns1123LabelPrefix", "()->format"),
    ("format.dns1123SubdomainPrefix", "()->format"),
    ("format.dns1035LabelPrefix", "()->format"),
    ("format.labelValue", "()->format"),
    ("format.uri", "()->format"),
    ("format.uuid", "()->format"),
    ("format.byte", "()->format"),
    ("format.date", "()->format"),
    ("format.datetime", "()->format"),
    // Authorization.
    ("path", "authorizer.(string)->pathcheck"),
    ("group", "authorizer.(string)->groupcheck"),
    ("serviceAccount", "authorizer.(string,string)->authorizer"),
    ("resource", "groupcheck.(string)->resourcecheck"),
    ("subresource", "resourcecheck.(string)->resourcecheck"),
    ("namespace", "resourcecheck.(string)->resourcecheck"),
    ("name", "resourcecheck.(string)->resourcecheck"),
    ("fieldSelector", "resourcecheck.(string)->resourcecheck"),
    ("labelSelector", "resourcecheck.(string)->resourcecheck"),
    ("check", "resourcecheck.(string)->decision pathcheck.(string)->decision"),
    ("allowed", "decision.()->bool"),
    ("reason", "decision.()->string"),
    ("errored", "decision.()->bool"),
    ("error", "decision.()->string"),
];
const ORDER: &str = "(bool,bool)->bool (int,int)->bool (int,double)->bool (int,uint)->bool (uint,uint)->bool \
     (uint,double)->bool (uint,int)->bool (double,double)->bool (double,int)->bool (double,uint)->bool \
     (string,string)->bool (bytes,bytes)->bool (ts,ts)->bool (dur,dur)->bool";
const DATE: &str = "ts.()->int ts.(string)->int";
const CLOCK: &str = "ts.()->int ts.(string)->int dur.()->int";

/// Returns the overloads of a function.
pub(super) fn overloads(name: &str) -> &'static [Overload] {
    static OVERLOADS: OnceLock<BTreeMap<&'static str, Vec<Overload>>> = OnceLock::new();
    let table = OVERLOADS.get_or_init(|| {
        TABLE.iter().map(|(name, text)| (*name, text.split_whitespace().map(overload).collect())).collect()
    });
    table.get(name).map(Vec::as_slice).unwrap_or_default()
}

/// Whether there is a function of this name.
pub(super) fn is_function(name: &str) -> bool {
    !overloads(name).is_empty()
}

fn overload(text: &str) -> Overload {
    let (call, result) = text.rsplit_once("->").expect("signatures have a result");
    let (target, args) = if let Some(args) = call.strip_prefix('(') {
        (None, args)
    } else {
        let (target, args) = call.split_once(".(").expect("a method has a receiver");
        (Some(read(target)), args)
    };
    let args = args.strip_suffix(')').expect("arguments end");
    Overload { target, args: split(args).into_iter().map(read).collect(), result: read(result) }
}

/// Splits at commas outside of brackets.
fn split(text: &str) -> Vec<&str> {
    let (mut parts, mut depth, mut start) = (Vec::new(), 0, 0);
    for (index, c) in text.char_indices() {
        match c {
            '(' => depth += 1,
            ')' => depth -= 1,
            ',' if depth == 0 => {
                parts.push(&text[start..index]);
                start = index + 1;
            }
            _ => {}
        }
    }
    if start < text.len() {
        parts.push(&text[start..]);
    }
    parts
}

fn read(text: &str) -> Type {
    if let Some((outer, inner)) = text.split_once('(') {
        let parts = split(inner.strip_suffix(')').expect("brackets are closed"));
        return match (outer, parts.as_slice()) {
            ("list", [item]) => Type::list(read(item)),
            ("map", [key, value]) => Type::map(read(key), read(value)),
            ("opt", [inner]) => Type::optional(read(inner)),
            (_, inner) => {
                Type::Kind(std::sync::Arc::new(inner.first().map_or(Type::Dyn, |inner| read(inner))))
            }
        };
    }
    match text {
        "A" => Type::Param(0),
        "B" => Type::Param(1),
        "bool" => Type::Bool,
        "int" => Type::Int,
        "uint" => Type::Uint,
        "double" => Type::Double,
        "string" => Type::String,
        "bytes" => Type::Bytes,
        "ts" => Type::Timestamp,
        "dur" => Type::Duration,
        "quantity" => Type::Opaque("kubernetes.Quantity"),
        "semver" => Type::Opaque("kubernetes.Semver"),
        "ip" => Type::Opaque("net.IP"),
        "cidr" => Type::Opaque("net.CIDR"),
        "url" => Type::Opaque("kubernetes.URL"),
        "format" => Type::Opaque("kubernetes.NamedFormat"),
        "authorizer" => Type::Opaque("kubernetes.authorization.Authorizer"),
        "pathcheck" => Type::Opaque("kubernetes.authorization.PathCheck"),
        "groupcheck" => Type::Opaque("kubernetes.authorization.GroupCheck"),
        "resourcecheck" => Type::Opaque("kubernetes.authorization.ResourceCheck"),
        "decision" => Type::Opaque("kubernetes.authorization.Decision"),
        _ => Type::Dyn,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_every_signature() {
        for (name, _) in TABLE {
            assert!(is_function(name), "{name}");
        }
        let index = &overloads("_[_]")[1];
        assert_eq!(index.args, [Type::map(Type::Param(0), Type::Param(1)), Type::Param(0)]);
        assert_eq!(index.result, Type::Param(1));
        assert_eq!(overloads("getQuery")[0].result, Type::map(Type::String, Type::list(Type::String)));
    }
}
