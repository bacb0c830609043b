//! The settings as a page says them, from the code itself.

use std::path::PathBuf;

use utoipa::{
    PartialSchema,
    openapi::{RefOr, Schema},
};

use super::{DEFAULTS, Flags, OTHERS, PREFIX, Settings};

/// Variables of others' standards.
const STANDARDS: [(&str, &str); 1] = [(
    "OTEL_EXPORTER_OTLP_ENDPOINT",
    "where traces are sent, OTLP over HTTP, in programs built with `--features otlp`; OpenTelemetry's other variables hold",
)];

/// All settings with their flags, variables, defaults and meanings, as tables in Markdown.
pub fn reference() -> String {
    let defaults = serde_json::to_value(DEFAULTS).unwrap_or_default();
    let flags = serde_json::to_value(Flags::all("")).unwrap_or_default();
    let mut text = String::from("| name | flag | variable | default | meaning |\n|---|---|---|---|---|\n");
    for (name, field) in fields() {
        let flag = flags.get(&name).map_or_else(|| "–".into(), |_| format!("`--{name}`"));
        let variable = format!("{PREFIX}{}", name.to_uppercase());
        let default = match defaults.get(&name) {
            None => "–".into(),
            Some(serde_json::Value::String(text)) => format!("`{text}`"),
            Some(other) => other.to_string(),
        };
        text += &format!("| `{name}` | {flag} | `{variable}` | {default} | {field} |\n");
    }
    text += "\nThe environment has besides:\n\n| variable | meaning |\n|---|---|\n";
    for (name, meaning) in OTHERS {
        text += &format!("| `{PREFIX}{}` | {meaning} |\n", name.to_uppercase());
    }
    for (name, meaning) in STANDARDS {
        text += &format!("| `{name}` | {meaning} |\n");
    }
    text
}

/// Every setting's name and what its documentation says.
fn fields() -> Vec<(String, String)> {
    let RefOr::T(Schema::Object(object)) = Settings::schema() else {
        return Vec::new();
    };
    let meaning = |field: RefOr<Schema>| match field {
        RefOr::T(Schema::Object(field)) => field.description,
        RefOr::T(Schema::Array(field)) => field.description,
        _ => None,
    };
    // A row of a table is one line.
    let line = |field: RefOr<Schema>| meaning(field).unwrap_or_default().replace('\n', " ");
    object.properties.into_iter().map(|(name, field)| (name, line(field))).collect()
}

impl Flags {
    /// Every flag given, with this text.
    fn all(text: &str) -> Self {
        let text = || Some(text.to_owned());
        let path = || text().map(PathBuf::from);
        Self { rpc: text(), data: path(), listen: Some(DEFAULTS.listen), onnxruntime: path(), provider: text() }
    }
}

#[cfg(test)]
mod tests {
    use super::{super::SECRETS, *};

    #[test]
    fn the_reference_has_every_setting_and_says_what_it_means() {
        let fields = fields();
        assert!(fields.iter().all(|(name, meaning)| meaning.len() > 10 && !name.is_empty()), "{fields:?}");
        assert!(fields.iter().all(|(_, meaning)| !meaning.contains('\n')), "{fields:?}");
        let defaults = serde_json::to_value(DEFAULTS).unwrap();
        let known = |name: &String| fields.iter().any(|(field, _)| field == name);
        assert!(defaults.as_object().unwrap().keys().all(known), "{fields:?}");
        assert!(SECRETS.iter().all(|secret| known(&(*secret).to_owned())));
        assert!(reference().contains("| `listen` | `--listen` | `TRIBUTARY_LISTEN` | `127.0.0.1:8080` |"));
    }
}
