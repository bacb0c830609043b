//! Clients that are slow, huge or no clients at all: each gets a refusal of the one shape, or is hung up on, and the host
//! goes on serving.

use std::{
    io::{Read, Write},
    net::{Shutdown, TcpStream},
    time::Duration,
};

use base64::{Engine, engine::general_purpose::STANDARD};
use reqwest::Method;
use serde_json::{Value, json};
use tributary_sdk::{api::tensor_bytes, client};
use tributary_server::http::Patience;

use crate::{
    http::{Answer, get, send},
    requests::Open,
    studio::{Serving, image},
    town::run,
};

/// A test that waits longer than this has found a host that waits for ever.
const FOR_EVER: Duration = Duration::from_secs(60);

/// Sends bytes and keeps the sending side open; what came back until the host hung up.
fn exchange(serving: &Serving, parts: &[&[u8]]) -> String {
    let mut stream = connect(serving);
    for part in parts {
        // The host may have hung up already: what it said before is what counts.
        if stream.write_all(part).is_err() {
            break;
        }
    }
    let mut said = Vec::new();
    match stream.read_to_end(&mut said) {
        Ok(_) => {}
        Err(error) => assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset, "the host waits for ever"),
    }
    String::from_utf8(said).unwrap()
}

fn connect(serving: &Serving) -> TcpStream {
    let stream = TcpStream::connect(serving.url.trim_start_matches("http://")).unwrap();
    stream.set_read_timeout(Some(FOR_EVER)).unwrap();
    stream
}

/// An HTTP answer read as a refusal.
fn answer(said: &str) -> Answer {
    let (head, body) = said.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no answer: {said}"));
    assert!(head.to_lowercase().contains("content-type: application/json"), "{head}");
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    Answer { status, body: serde_json::from_str(body).unwrap() }
}

/// A request's head, up to a body of `length` bytes.
fn head(open: &Open, length: &str) -> Vec<u8> {
    let model = open.studio.model.version.asset;
    format!(
        "POST /v2/models/{model}/infer HTTP/1.1\r\nhost: h\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n"
    )
    .into_bytes()
}

/// Asserts that a good client is still served.
async fn goes_on(open: &Open) {
    let session = open.session().await;
    let infer = open.studio.request(&session, 1).await;
    session.infer(&infer).await.unwrap();
}

async fn infer(open: &Open, body: impl Into<reqwest::Body>, headers: &[(&str, &[u8])]) -> Answer {
    let url = format!("{}/v2/models/{}/infer", open.serving.url, open.studio.model.version.asset);
    let mut request = client::http().post(url).body(body).bearer_auth("trb_nobody");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let answer = request.send().await.unwrap();
    assert_eq!(answer.headers()["content-type"], "application/json");
    Answer { status: answer.status().as_u16(), body: answer.json().await.unwrap() }
}

fn question(shape: Value, data: Value) -> String {
    json!({"inputs": [{"name": "features", "shape": shape, "datatype": "FP32", "data": data}]}).to_string()
}

#[test]
fn a_client_that_is_too_slow_is_hung_up_on_and_others_are_served_meanwhile() {
    run(async {
        let open = Open::get().await;
        let soon = Duration::from_secs(1);
        let host = Open::with_patience(Patience { head: soon, body: soon, ..Patience::default() }).await;
        let session = host.session().await;
        // A head that never ends, one letter of it, and none at all.
        for part in [&b"POST /v1/sessions HTTP/1.1\r\nhost: h\r\nx-slow: "[..], b"G", b""] {
            assert_eq!(exchange(&host.serving, &[part]), "");
        }
        // Half a body, in both of HTTP's forms.
        let half = exchange(&host.serving, &[&head(&host, "100"), b"{\"inputs\": ["]);
        answer(&half).refused(408, "slow_body");
        let chunked = b"POST /v1/sessions HTTP/1.1\r\nhost: h\r\ntransfer-encoding: chunked\r\n\r\n5\r\n{\"aut\r\n";
        answer(&exchange(&host.serving, &[chunked])).refused(408, "slow_body");
        // Many that say nothing do not keep one that asks from being served.
        let idle: Vec<TcpStream> = (0..200).map(|_| connect(&open.serving)).collect();
        goes_on(&open).await;
        drop(idle);
        // By a connection of its own: the host may be hanging up on the one that signed in.
        let infer = host.studio.request(&session, 1).await;
        host.infer(&infer).await.ok();
    });
}

#[test]
fn heads_that_are_no_http_or_too_large_are_hung_up_on() {
    run(async {
        let open = Open::get().await;
        let large = format!("GET /livez HTTP/1.1\r\nhost: h\r\nx-large: {}\r\n\r\n", "a".repeat(1 << 20));
        let many = format!("GET /livez HTTP/1.1\r\nhost: h\r\n{}\r\n", "x-many: a\r\n".repeat(10_000));
        let long = format!("GET /{} HTTP/1.1\r\nhost: h\r\n\r\n", "a".repeat(1 << 20));
        let heads: [&[u8]; 9] = [
            large.as_bytes(),
            many.as_bytes(),
            long.as_bytes(),
            b"no http at all\r\n\r\n",
            b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
            b"GET /livez HTTP/9.9\r\nhost: h\r\n\r\n",
            b"POST /v1/sessions HTTP/1.1\r\nhost: h\r\ncontent-length: -1\r\n\r\n",
            b"POST /v1/sessions HTTP/1.1\r\nhost: h\r\ncontent-length: 18446744073709551615\r\n\r\n",
            b"POST /v1/sessions HTTP/1.1\r\nhost: h\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\n{}",
        ];
        for head in heads {
            let said = exchange(&open.serving, &[head]);
            let status = said.split(' ').nth(1).unwrap_or("hung up");
            // What is no request has no route that could refuse it in words.
            assert!(["400", "414", "431", "hung up"].contains(&status), "{said}");
            assert!(said.is_empty() || said.ends_with("\r\n\r\n"), "{said}");
        }
        // Large and whole is a request like any other.
        let whole = format!(
            "GET /v1/nothing HTTP/1.1\r\nhost: h\r\nconnection: close\r\nx-large: {}\r\n\r\n",
            "a".repeat(100_000)
        );
        answer(&exchange(&open.serving, &[whole.as_bytes()])).refused(404, "unknown_route");
        goes_on(&open).await;
    });
}

#[test]
fn bodies_that_are_too_large_are_refused_before_they_are_sent() {
    run(async {
        let open = Open::get().await;
        // A length that no disk holds, and not one byte of it.
        for length in ["1048577", "1000000000000", "9223372036854775807"] {
            let mut stream = connect(&open.serving);
            stream.write_all(&head(&open, length)).unwrap();
            let mut said = String::new();
            stream.read_to_string(&mut said).unwrap();
            answer(&said).refused(413, "body_too_large");
        }
        // Without a length, as chunks that do not end.
        let mut stream = connect(&open.serving);
        stream.write_all(b"POST /v1/sessions HTTP/1.1\r\nhost: h\r\ntransfer-encoding: chunked\r\n\r\n").unwrap();
        let chunk = [b"10000\r\n".as_slice(), &[b' '; 0x10000], b"\r\n"].concat();
        // More than the system keeps of what nobody reads.
        const MANY: usize = 4_096;
        let sent = (0..MANY).take_while(|_| stream.write_all(&chunk).is_ok()).count();
        assert!(sent < MANY, "a quarter of a gigabyte was read");
        goes_on(&open).await;
    });
}

#[test]
fn a_client_that_hangs_up_half_way_leaves_nothing_behind() {
    run(async {
        let open = Open::get().await;
        for _ in 0..50 {
            let mut stream = connect(&open.serving);
            stream.write_all(&head(&open, "1000")).unwrap();
            stream.write_all(b"{\"inputs\"").unwrap();
            stream.shutdown(Shutdown::Both).unwrap();
        }
        goes_on(&open).await;
    });
}

#[test]
fn text_that_is_no_text_is_refused() {
    run(async {
        let open = Open::get().await;
        let bad = [&br#"{"id": ""#[..], b"\xff\xfe", br#"", "inputs": []}"#].concat();
        infer(&open, bad, &[]).await.refused(400, "bad_body");
        for name in ["idempotency-key", "x-request-timeout-ms", "tributary-request", "inference-header-content-length"]
        {
            let answered = infer(&open, question(json!([1, 64]), json!(image(0))), &[(name, b"\xff\xfe")]).await;
            answered.refused(400, "bad_header");
        }
        for path in ["/v1/models/%ff%fe", "/v1/receipts/%ff", "/v1/accounts/%F0%28%8C%28", "/v2/models/%00"] {
            get(&format!("{}{path}", open.serving.url)).await.refused(400, "bad_path");
        }
        // Signed requests that are no base64, no JSON, or JSON of something else.
        let signed = ["", "*", "e30", "e30=", "////", &STANDARD.encode("[".repeat(50_000)), &STANDARD.encode(b"\xff")];
        for text in signed {
            let asked = question(json!([1, 64]), json!(image(0)));
            infer(&open, asked, &[("tributary-request", text.as_bytes())]).await.refused(400, "bad_body");
        }
        goes_on(&open).await;
    });
}

#[test]
fn numbers_that_are_none_are_refused_in_both_forms() {
    run(async {
        let open = Open::get().await;
        let mut words = image(0).iter().map(|value| json!(value)).collect::<Vec<_>>();
        for word in [json!("NaN"), json!("Infinity"), json!(null), json!(true), json!({})] {
            words[5] = word;
            infer(&open, question(json!([1, 64]), json!(words)), &[]).await.refused(400, "bad_body");
        }
        let good = question(json!([1, 64]), json!(image(0)));
        for word in ["NaN", "Infinity", "-Infinity", "1e999", "0x1", "01", "+1", ".5"] {
            infer(&open, good.replacen("\"data\":[", &format!("\"data\":[{word},"), 1), &[])
                .await
                .refused(400, "bad_body");
        }
        words[5] = json!(1e39);
        infer(&open, question(json!([1, 64]), json!(words)), &[]).await.refused(422, "non_finite_input");
        for number in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
            let mut features = image(0);
            features[63] = number;
            let (json, length) = binary(json!([1, 64]), json!(256));
            let body = [json.as_bytes(), &tensor_bytes(&features)].concat();
            infer(&open, body, &[("inference-header-content-length", length.as_bytes())])
                .await
                .refused(422, "non_finite_input");
        }
        goes_on(&open).await;
    });
}

/// The JSON before a binary tensor, and its length.
fn binary(shape: Value, size: Value) -> (String, String) {
    let parameters = json!({ "binary_data_size": size });
    let input = json!({"name": "features", "shape": shape, "datatype": "FP32", "parameters": parameters});
    let json = json!({ "inputs": [input] }).to_string();
    let length = json.len().to_string();
    (json, length)
}

#[test]
fn shapes_whose_numbers_overflow_are_refused() {
    run(async {
        let open = Open::get().await;
        let shapes = [
            json!([]),
            json!([0, 64]),
            json!([-1, 64]),
            json!([1, -64]),
            json!([64]),
            json!([i64::MAX, 64]),
            json!([i64::MIN, 64]),
            json!([1u64 << 62, 64]),
            json!([u32::MAX, u32::MAX, u32::MAX]),
            json!([1, 8, 8]),
            json!(vec![1; 10_000]),
        ];
        for shape in shapes {
            infer(&open, question(shape.clone(), json!(image(0))), &[]).await.refused(422, "wrong_tensor");
            let (json, length) = binary(shape, json!(256));
            let body = [json.as_bytes(), &tensor_bytes(&image(0))].concat();
            infer(&open, body, &[("inference-header-content-length", length.as_bytes())])
                .await
                .refused(422, "wrong_tensor");
        }
        for shape in [json!([u64::MAX, 64]), json!([1.5, 64]), json!(["1", 64]), json!(64), json!(null)] {
            infer(&open, question(shape, json!(image(0))), &[]).await.refused(400, "bad_body");
        }
        goes_on(&open).await;
    });
}

#[test]
fn binary_tensors_whose_lengths_lie_are_refused() {
    run(async {
        let open = Open::get().await;
        let tensor = tensor_bytes(&image(0));
        let sizes =
            [json!(0), json!(255), json!(257), json!(260), json!(-1), json!(1.5), json!("256"), json!(u64::MAX)];
        for size in sizes {
            let (json, length) = binary(json!([1, 64]), size);
            let body = [json.as_bytes(), &tensor].concat();
            infer(&open, body, &[("inference-header-content-length", length.as_bytes())])
                .await
                .refused(400, "bad_body");
        }
        let (json, _) = binary(json!([1, 64]), json!(256));
        let body = [json.as_bytes(), &tensor].concat();
        let lengths = ["0", "1", "-1", "1e2", "18446744073709551616", "99999999", &body.len().to_string(), ""];
        for length in lengths {
            infer(&open, body.clone(), &[("inference-header-content-length", length.as_bytes())])
                .await
                .refused(400, "bad_body");
        }
        goes_on(&open).await;
    });
}

#[test]
fn json_that_is_nested_deeply_is_refused() {
    run(async {
        let open = Open::get().await;
        for depth in [100, 1_000, 400_000] {
            let deep = ["[".repeat(depth), "]".repeat(depth)].concat();
            let asked = format!(
                r#"{{"inputs": [{{"name": "features", "shape": [1, 64], "datatype": "FP32", "data": {deep}}}]}}"#
            );
            infer(&open, asked, &[]).await.refused(400, "bad_body");
            infer(&open, format!(r#"{{"parameters": {deep}, "inputs": []}}"#), &[]).await.refused(400, "bad_body");
        }
        goes_on(&open).await;
    });
}

#[test]
fn what_a_body_is_called_does_not_change_what_it_is() {
    run(async {
        let open = Open::get().await;
        let url = format!("{}/v1/models/{}/infer", open.serving.url, open.studio.model.version.asset);
        let session = open.session().await;
        for kind in ["application/xml", "text/plain; charset=utf-7", "multipart/form-data", "nonsense", ""] {
            let body = serde_json::to_vec(&open.studio.request(&session, 2).await).unwrap();
            let answer = client::http().post(&url).header("content-type", kind).body(body).send().await.unwrap();
            assert_eq!(answer.status(), 200, "{kind}");
        }
        // Compressed bodies are not offered: they are what they are.
        let packed = infer(&open, vec![0x1f, 0x8b, 8, 0], &[("content-encoding", b"gzip")]).await;
        packed.refused(400, "bad_body");
        goes_on(&open).await;
    });
}

#[test]
fn methods_and_paths_that_nobody_knows_are_refused_in_the_one_shape() {
    run(async {
        let open = Open::get().await;
        let url = &open.serving.url;
        let model = open.studio.model.version.asset;
        let infer = format!("{url}/v2/models/{model}/infer");
        for method in ["PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "BREW"] {
            let method = Method::from_bytes(method.as_bytes()).unwrap();
            send(method, &infer, None, "{}").await.refused(405, "wrong_method");
        }
        for path in ["/v2/models/../../etc/passwd", "/v1/%2e%2e/%2e%2e", "/v2/models/a/b/c/d", "//"] {
            get(&format!("{url}{path}")).await.refused(404, "unknown_route");
        }
        let whole = exchange(&open.serving, &[b"OPTIONS * HTTP/1.1\r\nhost: h\r\nconnection: close\r\n\r\n"]);
        answer(&whole).refused(404, "unknown_route");
        goes_on(&open).await;
    });
}
