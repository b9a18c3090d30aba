//! A cheap HTTP/1.1 client: it shares the machine with the server that it measures, so it does no more than it must.
//! One request at a time on each [`Connection`]; a [`Pool`] hands connections to many tasks of one thread.

use std::cell::RefCell;
use std::io::Write;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::Semaphore;

const HEADERS_MAX: usize = 48;

#[derive(Debug, Clone, Copy, Default)]
pub struct Request<'a> {
    pub method: &'a str,
    pub path: &'a str,
    pub token: Option<&'a str>,
    /// Whole lines without their line end, such as `if-none-match: "1"`.
    pub headers: &'a [&'a str],
    pub json: Option<&'a str>,
}

impl<'a> Request<'a> {
    #[must_use]
    pub fn get(path: &'a str) -> Self {
        Self { method: "GET", path, ..Self::default() }
    }

    #[must_use]
    pub fn post(path: &'a str, json: Option<&'a str>) -> Self {
        Self { method: "POST", path, json, ..Self::default() }
    }

    #[must_use]
    pub fn token(self, token: &'a str) -> Self {
        Self { token: Some(token), ..self }
    }

    #[must_use]
    pub fn headers(self, headers: &'a [&'a str]) -> Self {
        Self { headers, ..self }
    }

    fn write(&self, out: &mut Vec<u8>) -> std::io::Result<()> {
        out.clear();
        write!(out, "{} {} HTTP/1.1\r\nhost: localhost\r\n", self.method, self.path)?;
        if let Some(token) = self.token {
            write!(out, "authorization: Bearer {token}\r\n")?;
        }
        for line in self.headers {
            write!(out, "{line}\r\n")?;
        }
        match self.json {
            Some(json) => write!(
                out,
                "content-type: application/json\r\ncontent-length: {}\r\n\r\n{json}",
                json.len()
            ),
            None if self.method == "GET" => write!(out, "\r\n"),
            None => write!(out, "content-length: 0\r\n\r\n"),
        }
    }
}

#[derive(Debug, Clone, Copy)]
pub struct Answer<'a> {
    pub status: u16,
    pub etag: Option<&'a str>,
    pub body: &'a [u8],
}

impl<'a> Answer<'a> {
    /// # Errors
    /// When the status is another one; the message carries the body.
    pub fn expect(self, status: u16) -> Result<&'a [u8]> {
        ensure!(self.status == status, "{} where {status} was due: {}", self.status, self.text());
        Ok(self.body)
    }

    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(self.body).into_owned()
    }
}

/// What a response's head says about itself.
struct Head {
    status: u16,
    length: usize,
    body_length: usize,
    etag: Option<(usize, usize)>,
}

impl Head {
    /// None while the head is incomplete.
    fn parse(input: &[u8]) -> Result<Option<Self>> {
        let mut headers = [httparse::EMPTY_HEADER; HEADERS_MAX];
        let mut response = httparse::Response::new(&mut headers);
        let httparse::Status::Complete(length) = response.parse(input)? else {
            return Ok(None);
        };
        let status = response.code.context("no status")?;
        let mut head = Self { status, length, body_length: 0, etag: None };
        let mut framed = matches!(status, 204 | 304);
        for header in response.headers.iter() {
            if header.name.eq_ignore_ascii_case("content-length") && !framed {
                head.body_length = std::str::from_utf8(header.value)?.parse()?;
                framed = true;
            } else if header.name.eq_ignore_ascii_case("etag") {
                let start = header.value.as_ptr() as usize - input.as_ptr() as usize;
                head.etag = Some((start, start + header.value.len()));
            }
        }
        if !framed {
            bail!("an answer without a content-length, which this client does not read");
        }
        Ok(Some(head))
    }
}

pub struct Connection {
    stream: TcpStream,
    input: Vec<u8>,
    output: Vec<u8>,
}

impl Connection {
    /// # Errors
    /// When nobody listens there.
    pub async fn open(address: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect(address)
            .await
            .with_context(|| format!("cannot connect to {address}"))?;
        stream.set_nodelay(true)?;
        Ok(Self {
            stream,
            input: Vec::with_capacity(64 * 1024),
            output: Vec::with_capacity(4 * 1024),
        })
    }

    /// # Errors
    /// When the connection breaks or the answer is not HTTP; any status is an answer.
    pub async fn call(&mut self, request: &Request<'_>) -> Result<Answer<'_>> {
        request.write(&mut self.output)?;
        self.stream.write_all(&self.output).await?;

        self.input.clear();
        let head = loop {
            self.read_more().await?;
            if let Some(head) = Head::parse(&self.input)? {
                break head;
            }
        };
        let end = head.length + head.body_length;
        while self.input.len() < end {
            self.read_more().await?;
        }
        let etag = head
            .etag
            .map(|(start, end)| std::str::from_utf8(&self.input[start..end]))
            .transpose()?;
        Ok(Answer { status: head.status, etag, body: &self.input[head.length..end] })
    }

    async fn read_more(&mut self) -> Result<()> {
        if self.stream.read_buf(&mut self.input).await? == 0 {
            bail!("the server closed the connection");
        }
        Ok(())
    }
}

/// Connections for the tasks of one thread, first come, first served.
pub struct Pool {
    idle: RefCell<Vec<Connection>>,
    permits: Semaphore,
}

impl Pool {
    /// # Errors
    /// When nobody listens there.
    pub async fn open(address: SocketAddr, connections: usize) -> Result<Self> {
        let mut idle = Vec::with_capacity(connections);
        for _ in 0..connections {
            idle.push(Connection::open(address).await?);
        }
        Ok(Self { idle: RefCell::new(idle), permits: Semaphore::new(connections) })
    }

    /// Hands the answer to `read`, with the time from sending to the last byte: waiting for a connection does not count.
    ///
    /// # Errors
    /// As [`Connection::call`], and those of `read`. A connection that failed is not used again.
    pub async fn call<T>(
        &self,
        request: &Request<'_>,
        read: impl FnOnce(Duration, Answer<'_>) -> Result<T>,
    ) -> Result<T> {
        let _permit = self.permits.acquire().await?;
        let mut connection = self.idle.borrow_mut().pop().context("no connection is left")?;
        let sent = Instant::now();
        let answer = connection.call(request).await?;
        let result = read(sent.elapsed(), answer);
        self.idle.borrow_mut().push(connection);
        result
    }
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;

    use super::*;

    /// Serves one connection: for each answer, reads a request up to its last byte (given by what it ends with) and
    /// sends the pieces one write at a time. Gives back the requests.
    async fn server(
        exchanges: Vec<(&'static str, Vec<&'static [u8]>)>,
    ) -> (SocketAddr, tokio::task::JoinHandle<Vec<String>>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let requests = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut requests = Vec::new();
            for (last, pieces) in exchanges {
                let mut request = Vec::new();
                while !request.ends_with(last.as_bytes()) {
                    stream.read_buf(&mut request).await.unwrap();
                }
                requests.push(String::from_utf8(request).unwrap());
                for piece in pieces {
                    stream.write_all(piece).await.unwrap();
                    tokio::task::yield_now().await;
                }
            }
            requests
        });
        (address, requests)
    }

    #[tokio::test]
    async fn answers_are_read_whole_however_they_are_cut() {
        let (address, requests) = server(vec![
            (
                "\r\n\r\n",
                vec![
                    b"HTTP/1.1 200 OK\r\ncont",
                    b"ent-length: 5\r\nETag: \"7\"\r",
                    b"\n\r\nhel",
                    b"lo",
                ],
            ),
            ("{\"a\":1}", vec![b"HTTP/1.1 201 Created\r\nContent-Length: 2\r\n\r\n{}"]),
            ("\r\n\r\n", vec![b"HTTP/1.1 304 Not Modified\r\netag: \"7\"\r\n\r\n"]),
        ])
        .await;
        let mut connection = Connection::open(address).await.unwrap();

        let answer = connection.call(&Request::get("/a").token("secret")).await.unwrap();
        assert_eq!((answer.status, answer.etag, answer.body), (200, Some("\"7\""), &b"hello"[..]));
        let answer = connection.call(&Request::post("/b", Some("{\"a\":1}"))).await.unwrap();
        assert_eq!(answer.expect(201).unwrap(), b"{}");
        let answer =
            connection.call(&Request::get("/a").headers(&["if-none-match: \"7\""])).await.unwrap();
        assert_eq!((answer.status, answer.body), (304, &b""[..]));

        let requests = requests.await.unwrap();
        assert_eq!(
            requests[0],
            "GET /a HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer secret\r\n\r\n"
        );
        assert_eq!(
            requests[1],
            "POST /b HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: 7\r\n\r\n{\"a\":1}"
        );
        assert_eq!(
            requests[2],
            "GET /a HTTP/1.1\r\nhost: localhost\r\nif-none-match: \"7\"\r\n\r\n"
        );
    }

    #[tokio::test]
    async fn a_connection_closed_in_the_middle_is_an_error() {
        let (address, _) =
            server(vec![("\r\n\r\n", vec![b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf"])])
                .await;
        let mut connection = Connection::open(address).await.unwrap();
        let error = connection.call(&Request::get("/")).await.unwrap_err();
        assert_eq!(error.to_string(), "the server closed the connection");
    }

    #[tokio::test]
    async fn an_answer_without_a_length_is_an_error() {
        let (address, _) = server(vec![(
            "\r\n\r\n",
            vec![b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n"],
        )])
        .await;
        let mut connection = Connection::open(address).await.unwrap();
        let error = connection.call(&Request::get("/")).await.unwrap_err();
        assert!(error.to_string().starts_with("an answer without a content-length"), "{error}");
    }

    #[tokio::test]
    async fn another_status_is_an_error_that_shows_the_body() {
        let (address, _) = server(vec![(
            "\r\n\r\n",
            vec![b"HTTP/1.1 409 Conflict\r\ncontent-length: 8\r\n\r\nlot_full"],
        )])
        .await;
        let pool = Pool::open(address, 1).await.unwrap();
        let error = pool
            .call(&Request::post("/", None), |_, answer| answer.expect(201).map(<[u8]>::to_vec))
            .await
            .unwrap_err();
        assert_eq!(error.to_string(), "409 where 201 was due: lot_full");
    }
}
