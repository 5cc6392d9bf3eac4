use super::*;

const KIND: &str = "multipart/form-data; boundary=X";

fn found(kind: &str, body: &str) -> Option<String> {
    let whole = text_field(kind, body.as_bytes(), "model");
    for size in [1, 2, 3, 7, 64] {
        let mut scanner = FormScanner::new(kind, "model")?;
        for chunk in body.as_bytes().chunks(size) {
            scanner.push(chunk);
        }
        scanner.finish();
        assert_eq!(scanner.found(), whole.as_ref(), "in chunks of {size}: {body:?}");
    }
    let FormField { range, coding } = whole?;
    let range = usize::try_from(range.start).unwrap()..usize::try_from(range.end).unwrap();
    coding.decode(&body.as_bytes()[range])
}

fn is_whisper(kind: &str, body: &str) -> bool {
    found(kind, body).as_deref() == Some("whisper-1")
}

fn form(head: &str) -> String {
    format!(
        "preamble\r\n--X\r\nContent-Disposition: form-data; name=\"file\"; filename=\"model\"\r\nContent-Type: audio/wav\r\n\r\n\
         --Xno name=\"model\"\r\n\r\nz\n--X\n\r\n--X \t\r\n{head}\r\n\r\nwhisper-1\r\n--X--\r\n"
    )
}

#[test]
fn a_field_is_found_in_every_legal_form() {
    for head in [
        "Content-Disposition: form-data; name=\"model\"",
        "content-disposition:form-data;name=model",
        "CONTENT-DISPOSITION: form-data; name = model",
        "Content-Type: text/plain\r\nContent-Disposition: form-data; x=\"a;name=b\"; NAME=\"mod\\el\"",
        "Content-Disposition: form-data; x=\"a\\\"; name=b\"; name=\"model\"",
        "Content-Disposition: form-data;\r\n name=\"model\"",
        "Content-Disposition:\r\n\tform-data;\r\n\tname=model\r\nContent-Transfer-Encoding: 8BIT",
        "Content-Disposition: form-data; name*=UTF-8''mod%65l",
    ] {
        assert!(is_whisper(KIND, &form(head)), "{head}");
    }
    let form = form("Content-Disposition: form-data; name=model");
    for kind in
        ["Multipart/Form-Data; charset=utf-8; Boundary=\"a b\"", " multipart/form-data;boundary=\"a\\ b\" "]
    {
        assert!(is_whisper(kind, &form.replace("--X", "--a b")), "{kind}");
    }
    let end = form.find("\r\n--X--").unwrap();
    for epilogue in
        ["\r\n--X--", "\r\n--X--\r\nContent-Disposition: form-data; name=model\r\n\r\nno", "\r\n--X-- \t\r\n"]
    {
        assert!(is_whisper(KIND, &format!("{}{epilogue}", &form[..end])), "{epilogue:?}");
    }
}

#[test]
fn a_form_with_bare_line_feeds_is_read() {
    let form = "p\n--X\nContent-Disposition: form-data; name=file; filename=a\n\nz\n--X\nContent-Disposition: form-data; name=model\n\nwhisper-1\n--X--\n";
    assert!(is_whisper(KIND, form));
}

#[test]
fn a_value_is_decoded_and_written_as_its_part_says() {
    for (coding, value) in [
        ("base64", "d2hp\r\nc3Blci0x"),
        ("BASE64", "d2hpc3Blci0x\r\n"),
        ("quoted-printable", "whis=\r\nper=2D1"),
        ("binary", " whisper-1\r\n"),
    ] {
        let head =
            format!("Content-Transfer-Encoding: {coding}\r\nContent-Disposition: form-data; name=model");
        assert!(is_whisper(KIND, &form(&head).replace("whisper-1", value)), "{coding}");
    }
    for (coding, text) in [
        (TransferCoding::Identity, "a=b é"),
        (TransferCoding::Base64, "YT1iIMOp"),
        (TransferCoding::QuotedPrintable, "a=3Db=20=C3=A9"),
    ] {
        assert_eq!(coding.encode("a=b é"), text);
        assert_eq!(coding.decode(text.as_bytes()).as_deref(), Some("a=b é"));
    }
}

#[test]
fn a_file_and_text_that_looks_like_a_field_are_none() {
    for head in [
        "Content-Disposition: form-data; name=\"model\"; filename=\"a\"",
        "Content-Disposition: form-data; name=\"model\"; filename*=UTF-8''a",
        "Content-Disposition: form-data; name=\"models\"",
        "Content-Disposition: form-data; filename=\"model\"",
        "Content-Disposition: form-data; filename=\"a\\\"; name=model; b=\"",
        "Content-Disposition: form-data; name=model\r\nContent-Transfer-Encoding: x-zip",
        "X-Model: name=\"model\"",
    ] {
        assert_eq!(found(KIND, &form(head)), None, "{head}");
    }
    let form = form("Content-Disposition: form-data; name=model");
    for kind in [
        "multipart/form-data",
        "multipart/form-data; boundary=\"\"",
        "application/octet-stream; boundary=X",
        "",
        "é",
    ] {
        assert_eq!(text_field(kind, form.as_bytes(), "model"), None, "{kind}");
    }
    let long = format!("{}\r\n--X--", form.replace("whisper-1\r\n--X--", &"x\r\n".repeat(4000)));
    assert_eq!(found(KIND, &long), None);
}

#[test]
fn an_empty_field_is_found() {
    let form = form("Content-Disposition: form-data; name=model").replace("whisper-1", "");
    assert_eq!(found(KIND, &form).as_deref(), Some(""));
}

#[test]
fn a_form_that_is_cut_anywhere_gives_no_wrong_field() {
    let whole = form("Content-Disposition: form-data; name=model");
    for end in 0..whole.len() {
        let cut = found(KIND, whole.get(..end).unwrap_or_default());
        assert!(matches!(cut.as_deref(), None | Some("whisper-1")), "{end}: {cut:?}");
    }
}
