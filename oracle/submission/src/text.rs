//! What nodes say, fit to be shown.

/// A node's URL may carry an API key, so no URL is kept.
pub(crate) fn without_urls(text: &str) -> String {
    let mut kept = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, url)) = rest.split_once("://") {
        let scheme = before.rfind(|c: char| !c.is_ascii_alphanumeric()).map_or(0, |at| at.saturating_add(1));
        // The character before a scheme may be of several bytes.
        let scheme = (scheme..=before.len()).find(|at| before.is_char_boundary(*at)).unwrap_or(before.len());
        kept.push_str(before.get(..scheme).unwrap_or_default());
        kept.push_str("[the node]");
        let end = url.find(|c: char| c.is_whitespace() || matches!(c, ')' | '"' | '\'' | '>')).unwrap_or(url.len());
        rest = url.get(end..).unwrap_or_default();
    }
    kept.push_str(rest);
    kept
}

#[cfg(test)]
mod tests {
    use super::without_urls;

    #[test]
    fn a_nodes_url_is_in_no_text() {
        let said = "error for url (https://eth.example/v3/KEY?k=SECRET) and “wss://x/KEY: refused";
        assert_eq!(without_urls(said), "error for url ([the node]) and “[the node] refused");
    }
}
