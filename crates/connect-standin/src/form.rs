//! An exchange request's form, read as strictly as RFC 6749 section 3.2 allows a server to be.

use crate::refusal::Refusal;

#[derive(Debug)]
pub(crate) struct Form {
    parameters: Vec<(String, String)>,
}

impl Form {
    /// Section 3.2 has parameters without a value treated as omitted; no client of ours has a
    /// reason to send one, so here an empty parameter is an error, as one that is included more
    /// than once is by the standard.
    pub(crate) fn parse(body: &str) -> Result<Form, Refusal> {
        let parameters = pairs(body);
        for (place, (name, value)) in parameters.iter().enumerate() {
            if value.is_empty() {
                return Err(Refusal::invalid_request(format!("parameter {name} is empty")));
            }
            if parameters[..place].iter().any(|(earlier, _)| earlier == name) {
                return Err(Refusal::invalid_request(format!(
                    "parameter {name} is included more than once"
                )));
            }
        }
        Ok(Form { parameters })
    }

    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.parameters
            .iter()
            .find(|(found, _)| found == name)
            .map(|(_, value)| value.as_str())
    }

    pub(crate) fn require(&self, name: &str) -> Result<&str, Refusal> {
        self.get(name)
            .ok_or_else(|| Refusal::invalid_request(format!("parameter {name} is missing")))
    }
}

pub(crate) fn pairs(body: &str) -> Vec<(String, String)> {
    form_urlencoded::parse(body.as_bytes()).into_owned().collect()
}
