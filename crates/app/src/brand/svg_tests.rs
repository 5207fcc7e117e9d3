use super::*;

fn cleaned(body: &str) -> Cleaned {
    clean(
        "logo",
        format!("<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 4 4'>{body}</svg>").as_bytes(),
    )
    .unwrap()
}

fn refused(file: &str) -> bool {
    clean("logo", file.as_bytes()).is_err()
}

/// Everything that a browser could run or load, spelt in the ways that got through elsewhere.
const HOSTILE: [&str; 40] = [
    "<script>alert(1)</script>",
    "<script href='//evil.example/x.js'/>",
    "<svg:script>alert(1)</svg:script>",
    "<ScRiPt>alert(1)</ScRiPt>",
    "<g onload='alert(1)'/>",
    "<g onclick = \"alert(1)\"/>",
    "<g ONLOAD='alert(1)'/>",
    "<foreignObject><body xmlns='http://www.w3.org/1999/xhtml'><iframe src='javascript:alert(1)'/></body></foreignObject>",
    "<image href='//evil.example/x.png'/>",
    "<image xlink:href='data:image/svg+xml;base64,PHN2Zy8+'/>",
    "<use href='//evil.example/x.svg#a'/>",
    "<use xlink:href='data:image/svg+xml,%3Csvg/%3E#a'/>",
    "<a href='javascript:alert(1)'><path d='M0 0'/></a>",
    "<a xlink:href='jav&#x09;ascript:alert(1)'><path d='M0 0'/></a>",
    "<animate attributeName='href' values='javascript:alert(1)'/>",
    "<set attributeName='onload' to='alert(1)'/>",
    "<animateTransform onbegin='alert(1)'/>",
    "<style>@import '//evil.example/x.css';</style>",
    "<style>path{background:url(//evil.example)}</style>",
    "<path style='fill:url(//evil.example/x)'/>",
    "<path style=\"mask:image-set('//evil.example/x' 1x)\"/>",
    "<path style='fill:u\\72l(//evil.example)'/>",
    "<path fill='url(//evil.example#a)'/>",
    "<path fill='&#117;rl(//evil.example#a)'/>",
    "<path filter='url(//evil.example#a)'/>",
    "<filter id='f'><feImage href='//evil.example'/></filter>",
    "<path clip-path='url(https://evil.example)'/>",
    "<path mask='src(\"//evil.example\")'/>",
    "<iframe src='//evil.example'/>",
    "<embed src='//evil.example'/>",
    "<object data='//evil.example'/>",
    "<video src='//evil.example'/>",
    "<link rel='stylesheet' href='//evil.example'/>",
    "<handler type='text/javascript'>alert(1)</handler>",
    "<listener event='load'/>",
    "<?xml-stylesheet href='//evil.example/x.css'?>",
    "<![CDATA[<script>alert(1)</script>]]>",
    "<title>&lt;script&gt;alert(1)&lt;/script&gt;</title>",
    "<text>&#60;img src=x onerror=alert(1)&#62;</text>",
    "<title><script>alert(1)</script></title>",
];

#[test]
fn nothing_in_a_logo_can_run_or_load() {
    for hostile in HOSTILE {
        let svg = cleaned(hostile).svg;
        let bare = svg.replacen("xmlns=\"http://www.w3.org/2000/svg\"", "", 1);
        let tags: String =
            bare.split('<').filter_map(|part| part.split_once('>')).map(|(tag, _)| tag).collect();
        let lower = tags.to_ascii_lowercase();
        for bad in ["evil", "script", " on", "style", "foreign", "data:", "image", "href", "://", "url("] {
            assert!(!lower.contains(bad), "{hostile} left {bad}: {svg}");
        }
        assert!(!bare.contains("<script") && !bare.contains("<img"), "{hostile}: {svg}");
    }
}

#[test]
fn entities_and_broken_files_are_refused() {
    let bomb =
        "<!DOCTYPE svg [<!ENTITY a 'x'><!ENTITY b '&a;&a;'>]><svg viewBox='0 0 1 1'><text>&b;</text></svg>";
    let outside = "<!DOCTYPE svg [<!ENTITY x SYSTEM 'file:///etc/passwd'>]><svg viewBox='0 0 1 1'/>";
    for bad in [
        bomb,
        outside,
        "<svg viewBox='0 0 1 1'><text>&nbsp;</text></svg>",
        "<svg viewBox='0 0 1 1'><g></svg>",
        "<svg viewBox='0 0 1 1'>",
        "<svg viewBox='0 0 1 1'/><svg viewBox='0 0 1 1'/>",
        "<svg viewBox='0 0 1 1'/><script/>",
        "<html><svg viewBox='0 0 1 1'/></html>",
        "<svg viewBox=0 0 1 1/>",
        "<svg viewBox='0 0 1 1' viewBox='0 0 2 2'/>",
        "<svg viewBox='0 0 1 1' id='a<b'/>",
        "<svg/>",
        "text",
        "",
    ] {
        assert!(refused(bad), "{bad}");
    }
    assert!(refused(&format!("<svg viewBox='0 0 1 1'>{}", "<g>".repeat(100))));
    assert!(refused(&format!("<svg viewBox='0 0 1 1'>{}</svg>", "<g/>".repeat(5000))));
    assert!(clean("logo", b"<svg viewBox='0 0 1 1'>\xff</svg>").is_err());
}

#[test]
fn a_plain_logo_comes_through_as_it_was() {
    let file = "<?xml version='1.0'?><!-- by hand --><!DOCTYPE svg PUBLIC '-//W3C//DTD SVG 1.1//EN' 'x.dtd'>\
                <svg xmlns='http://www.w3.org/2000/svg' xmlns:xlink='http://www.w3.org/1999/xlink' width='40px' height='20' version='1.1'>\
                <defs><linearGradient id='a'><stop offset='0' style='stop-color:#02585f;stop-opacity:1'/></linearGradient></defs>\
                <path d='M0 0h4v4z' fill='url(#a)' style='stroke:none; -inkscape-x:1'/><use xlink:href='#b'/></svg>";
    let done = clean("logo", file.as_bytes()).unwrap();
    assert_eq!(
        done.svg,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 40 20\" width=\"40px\" height=\"20\"><defs>\
         <linearGradient id=\"a\"><stop offset=\"0\" stop-color=\"#02585f\" stop-opacity=\"1\"></stop></linearGradient></defs>\
         <path d=\"M0 0h4v4z\" fill=\"url(#a)\" stroke=\"none\"></path><use href=\"#b\"></use></svg>"
    );
    assert!(done.left_out.is_empty(), "{:?}", done.left_out);
}

#[test]
fn what_was_left_out_is_told_and_a_clean_file_stays_clean() {
    let done = cleaned("<script/><g onload='x'/><path d='M0 0'/>");
    assert_eq!(done.left_out.iter().map(String::as_str).collect::<Vec<_>>(), ["onload", "script"]);
    let again = clean("logo", done.svg.as_bytes()).unwrap();
    assert_eq!((again.svg, again.left_out.len()), (done.svg, 0));
}

#[test]
fn copies_of_copies_do_not_multiply() {
    let level = |n: usize| format!("<g id='l{n}'><use href='#l{}'/><use href='#l{}'/></g>", n + 1, n + 1);
    let bomb: String = (0..30).map(level).collect();
    assert!(!cleaned(&bomb).svg.contains("<use"));
    assert_eq!(cleaned(&"<use href='#a'/>".repeat(100)).svg.matches("<use").count(), 60);
}
