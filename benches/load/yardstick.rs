//! The servers that Groundswell is measured against: actix-web with the least that the
//! same answer takes, in a process of its own.

use actix_web::web::ServiceConfig;
use actix_web::{App, HttpServer};

/// Serves these routes on a free port of this machine until it is killed, and says where
/// as Groundswell does.
///
/// # Errors
/// Where it cannot listen.
pub fn serve(routes: impl Fn(&mut ServiceConfig) + Clone + Send + 'static) -> anyhow::Result<()> {
    let runtime = actix_web::rt::System::new();
    runtime.block_on(async {
        // As many workers as cores, which is actix-web's default and Groundswell's.
        let server =
            HttpServer::new(move || App::new().configure(routes.clone())).bind(("127.0.0.1", 0))?;
        say_where(server.addrs()[0]);
        Ok(server.run().await?)
    })
}

#[expect(clippy::print_stdout, reason = "whoever starts a server reads its address there")]
fn say_where(address: std::net::SocketAddr) {
    println!("listening on http://{address}");
}
