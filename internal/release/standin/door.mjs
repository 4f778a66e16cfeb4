// A proxy before a registry on this machine. It asks for a login as GHCR does for a
// public package: pushing takes one, pulling does not.
//
//   node door.mjs ADDRESS     prints its port
import http from "node:http";

const [host, port] = process.argv[2].split(":");
const server = http.createServer((request, response) => {
  const reads = ["GET", "HEAD"].includes(request.method) && request.url !== "/v2/";
  if (!reads && !request.headers.authorization) {
    request.resume();
    response.writeHead(401, { "www-authenticate": 'Basic realm="registry"' }).end();
    return;
  }
  const behind = http.request({ host, port, method: request.method, path: request.url, headers: request.headers }, (answer) => {
    response.writeHead(answer.statusCode, answer.headers);
    answer.pipe(response);
  });
  behind.on("error", () => response.destroy());
  request.pipe(behind);
});
server.listen(0, "127.0.0.1", () => console.log(server.address().port));
