//! Parses the form of an exchange, as strictly as RFC 6749, section 3.2, permits.

use crate::refusal::Refusal;

#[derive(Debug)]
pub(crate) struct Form {
    parameters: Vec<(String, String)>,
}

impl Form {
    /// By section 3.2 a parameter without a value counts as omitted, and a repeated one is an error.
    /// Here an empty one is an error too, because the library never sends one.
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
