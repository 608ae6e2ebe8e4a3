//! A vendor that answers as the test says, and remembers what it was asked.

use std::sync::{Arc, Mutex, RwLock};

use http::HeaderMap;
use leeward_vendors::{Call, Reply, Server};

type Answering = Box<dyn Fn(&Call) -> Reply + Send + Sync>;

/// One request as the vendor saw it.
#[derive(Debug, Clone)]
pub struct Recorded {
    pub method: String,
    pub target: String,
    pub headers: HeaderMap,
    pub body: String,
}

impl Recorded {
    /// A header's only value, or nothing.
    #[track_caller]
    pub fn header(&self, name: &str) -> Option<&str> {
        let values: Vec<_> = self.headers.get_all(name).iter().collect();
        assert!(values.len() <= 1, "{name} came {} times", values.len());
        values.first()?.to_str().ok()
    }

    /// The path, without the query.
    pub fn path(&self) -> &str {
        self.target.split('?').next().unwrap_or_default()
    }
}

struct Inner {
    answering: RwLock<Answering>,
    calls: Mutex<Vec<Recorded>>,
}

/// See the module.
pub struct Script {
    inner: Arc<Inner>,
    server: Server,
}

impl Script {
    /// Starts it.
    pub async fn start(answering: impl Fn(&Call) -> Reply + Send + Sync + 'static) -> Self {
        let inner = Arc::new(Inner {
            answering: RwLock::new(Box::new(answering)),
            calls: Mutex::default(),
        });
        let behaviour = Arc::clone(&inner);
        let server = super::vendor(move |call: &Call| {
            behaviour.calls.lock().unwrap().push(Recorded {
                method: call.head.method.to_string(),
                target: call.head.uri.to_string(),
                headers: call.head.headers.clone(),
                body: String::from_utf8_lossy(&call.body).into_owned(),
            });
            let answering = behaviour.answering.read().unwrap();
            answering(call)
        });
        Self {
            inner,
            server: server.await,
        }
    }

    /// Where it listens.
    pub fn url(&self) -> String {
        self.server.url()
    }

    /// Answers otherwise from now on.
    pub fn now(&self, answering: impl Fn(&Call) -> Reply + Send + Sync + 'static) {
        *self.inner.answering.write().unwrap() = Box::new(answering);
    }

    /// What it was asked at this path, in the order of arrival.
    pub fn calls(&self, path: &str) -> Vec<Recorded> {
        let calls = self.inner.calls.lock().unwrap();
        calls
            .iter()
            .filter(|call| call.path() == path)
            .cloned()
            .collect()
    }

    /// How often it was asked at this path.
    pub fn count(&self, path: &str) -> usize {
        self.calls(path).len()
    }

    /// The last request.
    #[track_caller]
    pub fn last(&self) -> Recorded {
        let calls = self.inner.calls.lock().unwrap();
        calls.last().expect("it was asked").clone()
    }
}
