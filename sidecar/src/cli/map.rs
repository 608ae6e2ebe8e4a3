//! `leeward map`.

use std::path::PathBuf;

use http::StatusCode;
use leeward_mapping::{MappingError, Resources, Unified, VendorAnswer};
use leeward_pagination::CursorKeys;
use serde_json::{Map, Value};

use super::{ConfigDir, Failure, explain, print, read_json};
use crate::error::Error;
use crate::problem::{Place, problem};

/// Runs one mapping on one input; starts no server.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    config: ConfigDir,
    /// The resource, such as crm/contacts
    #[arg(long, value_name = "MODEL/RESOURCE")]
    model: String,
    /// Whose mapping it is
    #[arg(long)]
    provider: String,
    /// list, get, create, update, delete, or a name of the file's own
    #[arg(long)]
    operation: String,
    /// Towards the vendor, or back
    #[arg(long, value_enum)]
    phase: Phase,
    /// JSON (- for standard input); request: {id, query, headers, body, account}; response: the
    /// vendor's body, or {request, response: {status, headers, body}, account}
    #[arg(long, value_name = "FILE")]
    input: PathBuf,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum Phase {
    Request,
    Response,
}

pub(super) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let loaded = crate::load(&arguments.config.dir, &arguments.config.overrides);
    let file = explain::provider(&loaded, &arguments.provider)?;
    // The cursors that it prints are good for looking at.
    let resources = crate::provider::resources(&file, CursorKeys::new(Vec::new()));
    let input = read_json(&arguments.input)?;
    let exchange = match arguments.phase {
        Phase::Request => Exchange::asked(input)?,
        Phase::Response => Exchange::answered(input)?,
    };
    match exchange.map(&resources, arguments) {
        // An answer without a body.
        Ok(Value::Null) => Ok(()),
        Ok(result) => print(&pretty(&result)?),
        Err(error) => {
            let place = Place {
                provider: Some(&arguments.provider),
                account: exchange.account()["id"].as_str(),
                ..Place::default()
            };
            let mut problem = problem(&Error::from(error), place);
            // There was no request.
            problem.shift_remove("request_id");
            print(&pretty(&Value::Object(problem))?)?;
            Err(Failure::Said)
        }
    }
}

fn pretty(value: &Value) -> Result<String, Failure> {
    serde_json::to_string_pretty(value).map_err(Failure::internal)
}

/// What goes into a mapping.
struct Exchange {
    /// The application's request, as expressions see it.
    request: Value,
    /// The vendor's answer, in the response phase.
    vendor: Option<VendorAnswer>,
}

impl Exchange {
    fn asked(request: Value) -> Result<Self, Failure> {
        if !request.is_object() {
            return Err(Failure::Input(
                "the input of the request phase is an object {id, query, headers, body, account}"
                    .to_owned(),
            ));
        }
        Ok(Self {
            request,
            vendor: None,
        })
    }

    /// From the vendor's body alone, or from a whole exchange.
    fn answered(input: Value) -> Result<Self, Failure> {
        let Some(members) = whole(&input) else {
            return Ok(Self {
                request: Value::Object(Map::new()),
                vendor: Some(VendorAnswer {
                    status: StatusCode::OK,
                    headers: http::HeaderMap::new(),
                    body: input,
                }),
            });
        };
        let response = &members["response"];
        let status = match &response["status"] {
            Value::Null => Some(StatusCode::OK),
            status => status
                .as_u64()
                .and_then(|status| u16::try_from(status).ok())
                .and_then(|status| StatusCode::from_u16(status).ok()),
        };
        let status = status
            .ok_or_else(|| Failure::Input("`response.status` must be a status code".to_owned()))?;
        let headers = explain::headers(&response["headers"]).map_err(Failure::Input)?;
        let mut request = match members.get("request") {
            Some(Value::Object(request)) => request.clone(),
            _ => Map::new(),
        };
        if let Some(account) = members.get("account") {
            request.insert("account".to_owned(), account.clone());
        }
        Ok(Self {
            request: Value::Object(request),
            vendor: Some(VendorAnswer {
                status,
                headers,
                body: response["body"].clone(),
            }),
        })
    }

    fn account(&self) -> &Value {
        &self.request["account"]
    }

    fn map(&self, resources: &Resources, arguments: &Arguments) -> Result<Value, MappingError> {
        let id = match &self.request["id"] {
            Value::String(id) => Some(id.clone()),
            Value::Null => None,
            other => Some(other.to_string()),
        };
        let query = match &self.request["query"] {
            Value::Object(query) => query.clone(),
            _ => Map::new(),
        };
        let call = Unified::new(&arguments.model, &arguments.operation, id.as_deref(), query);
        match &self.vendor {
            None => resources
                .request_of(&call, &self.request)
                .map(|request| request.to_json()),
            Some(vendor) => resources
                .response(&call, vendor, &self.request, self.account())
                .map(|mapped| mapped.body),
        }
    }
}

/// The members of `{request, response: {status, headers, body}, account}`, if it is that.
fn whole(input: &Value) -> Option<&Map<String, Value>> {
    let members = input.as_object()?;
    let response = members.get("response")?.as_object()?;
    let known = |names: &[&str], of: &Map<String, Value>| {
        of.keys().all(|name| names.contains(&name.as_str()))
    };
    let is_exchange = known(&["request", "response", "account"], members)
        && known(&["status", "headers", "body"], response);
    is_exchange.then_some(members)
}
