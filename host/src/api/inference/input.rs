//! From a request to what the handler sees of it.
//!
//! **Source:** names, order and content types are TorchServe 0.12's.

use super::header_order::arrange;
use super::{form, multipart};
use meterbox_http::{ApiError, Request};
use meterbox_models::{Input, Parameter};

/// Which question is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Question {
    /// Predict.
    Predict,
    /// Explain.
    Explain,
}

/// The input of a prediction or explanation: the body only. `path` is what followed the version.
pub(super) fn of_question(
    request: &Request,
    question: Question,
    path: &str,
) -> Result<Input, ApiError> {
    let explain = if question == Question::Explain {
        "True"
    } else {
        "False"
    };
    let mut headers = vec![("explain".to_owned(), explain.to_owned())];
    add_headers(request, &mut headers);
    headers.push(("url_path".to_owned(), path.to_owned()));
    Ok(Input {
        headers: arrange(headers),
        parameters: of_body(request)?,
    })
}

/// The input of an invocation: query parameters first, then the body.
pub(super) fn of_invocation(request: &Request) -> Result<Input, ApiError> {
    let mut headers = Vec::new();
    add_headers(request, &mut headers);
    let query = request
        .query
        .iter()
        .map(|(name, value)| form::plain(name, value));
    let mut parameters: Vec<Parameter> = query.collect();
    parameters.extend(of_body(request)?);
    Ok(Input {
        headers: arrange(headers),
        parameters,
    })
}

fn of_body(request: &Request) -> Result<Vec<Parameter>, ApiError> {
    let content_type = request.header("content-type").unwrap_or("");
    let essence = content_type.split(';').next().unwrap_or("").trim();
    if essence.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
        return form::fields(&request.body);
    }
    if essence.eq_ignore_ascii_case("multipart/form-data") {
        return multipart::parts(&request.body, multipart::boundary(content_type)?);
    }
    Ok(vec![Parameter {
        name: "body".to_owned(),
        content_type: essence.to_owned(),
        value: request.body.clone(),
    }])
}

/// Header fields in the client's order and spelling. A body is always announced by its length, however
/// it came.
fn add_headers(request: &Request, to: &mut Vec<(String, String)>) {
    if !request.headers.contains_key("content-length") {
        to.push(("content-length".to_owned(), request.body.len().to_string()));
    }
    let mut add = |name: &str, value: &http::HeaderValue| {
        if !name.eq_ignore_ascii_case("transfer-encoding") {
            let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
            to.push((name.to_owned(), value));
        }
    };
    let mut sent: Vec<&str> = Vec::new();
    for name in request.sent_names() {
        let before = sent
            .iter()
            .filter(|known| known.eq_ignore_ascii_case(name))
            .count();
        if let Some(value) = request.headers.get_all(name).iter().nth(before) {
            add(name, value);
        }
        sent.push(name);
    }
    if sent.is_empty() {
        for (name, value) in &request.headers {
            add(&title_case(name.as_str()), value);
        }
    }
}

/// `user-agent` as `User-Agent`.
fn title_case(name: &str) -> String {
    let mut upper = true;
    let turn = |c: char| {
        let turned = if upper { c.to_ascii_uppercase() } else { c };
        upper = c == '-';
        turned
    };
    name.chars().map(turn).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::{HeaderValue, Method};

    fn request(content_type: &'static str, body: &[u8]) -> Request {
        let mut request =
            Request::testing(Method::POST, "/predictions/echo?a=1&b=two%20words", body);
        if !content_type.is_empty() {
            request
                .headers
                .insert("content-type", HeaderValue::from_static(content_type));
        }
        request
    }

    fn names(input: &Input) -> Vec<&str> {
        input
            .headers
            .iter()
            .map(|(name, _)| name.as_str())
            .collect()
    }

    #[test]
    fn a_request_without_a_body_has_one_empty_input_and_its_query_is_not_forwarded() {
        let input = of_question(&request("", b""), Question::Predict, "").unwrap();
        assert_eq!(names(&input), ["explain", "content-length", "url_path"]);
        assert_eq!(input.headers[0].1, "False");
        assert_eq!(input.headers[1].1, "0");
        let body = Parameter {
            name: "body".to_owned(),
            content_type: String::new(),
            value: bytes::Bytes::new(),
        };
        assert_eq!(input.parameters, [body]);
    }

    #[test]
    fn a_plain_body_keeps_its_mime_type_without_parameters() {
        let request = request("application/json; charset=utf-8", b"{}");
        let input = of_question(&request, Question::Explain, "more/path").unwrap();
        assert_eq!(input.parameters[0].content_type, "application/json");
        assert_eq!(
            names(&input),
            ["explain", "content-length", "Content-Type", "url_path"]
        );
        assert_eq!(
            (input.headers[0].1.as_str(), input.headers[3].1.as_str()),
            ("True", "more/path")
        );
    }

    #[test]
    fn an_invocation_takes_query_and_form_together() {
        let form = request("application/x-www-form-urlencoded", b"c=3");
        let input = of_invocation(&form).unwrap();
        let names: Vec<&str> = input
            .parameters
            .iter()
            .map(|one| one.name.as_str())
            .collect();
        assert_eq!(names, ["a", "b", "c"]);
        assert!(
            input
                .headers
                .iter()
                .all(|(name, _)| name != "explain" && name != "url_path")
        );
    }
}
