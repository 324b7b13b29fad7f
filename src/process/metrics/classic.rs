//! The older text format of Prometheus, for readers that do not know `OpenMetrics`: pure.
//! <https://prometheus.io/docs/instrumenting/exposition_formats/>
//!
//! The samples are the same. There, the suffix of a counter is a part of its name, and an info is a gauge.

/// The content type of the older format.
pub const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Returns a text in `OpenMetrics` in the older format.
#[must_use]
pub fn classic(text: &str) -> String {
    let mut classic = String::with_capacity(text.len());
    let mut help = None;
    for line in text.lines() {
        if line.starts_with("# HELP ") {
            help = Some(line);
        } else if let Some((name, type_)) = line.strip_prefix("# TYPE ").and_then(|rest| rest.split_once(' '))
        {
            let (suffix, type_) = match type_ {
                "counter" => ("_total", type_),
                "info" => ("_info", "gauge"),
                _ => ("", type_),
            };
            let said = help.take().and_then(|help| help.strip_prefix("# HELP ")?.strip_prefix(name));
            let said = said.unwrap_or_default();
            classic.extend(["# HELP ", name, suffix, said, "\n# TYPE ", name, suffix, " ", type_, "\n"]);
        } else if !line.starts_with('#') {
            classic.extend([line, "\n"]);
        }
    }
    classic
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_get_their_suffixes_and_the_samples_stay() {
        let text = "# HELP a Some passes.\n# TYPE a counter\na_total{x=\"# TYPE\"} 1\n# HELP b_seconds Time.\n# TYPE b_seconds gauge\n# UNIT b_seconds seconds\nb_seconds 2\n# HELP c The build.\n# TYPE c info\nc_info{v=\"1\"} 1\n# EOF\n";
        let expected = "# HELP a_total Some passes.\n# TYPE a_total counter\na_total{x=\"# TYPE\"} 1\n# HELP b_seconds Time.\n# TYPE b_seconds gauge\nb_seconds 2\n# HELP c_info The build.\n# TYPE c_info gauge\nc_info{v=\"1\"} 1\n";
        assert_eq!(classic(text), expected);
    }
}
