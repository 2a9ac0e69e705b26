// Where this shop's collector is and whose signature its snapshots carry. A server that knows better answers this
// address itself; as a file it serves `npm run dev` beside a collector on its default port.
window.__TILTWISE__ = { url: "http://127.0.0.1:8080", publicKeys: [] };
