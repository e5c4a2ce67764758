<?php
// Receives Recibo's messages: verifies, takes each once, answers quickly. Needs nothing but PHP 8.1.
//
//   RECIBO_SECRET=whsec_… php -S 127.0.0.1:8080 receiver.php

declare(strict_types=1);

const TOLERANCE = 5 * 60; // seconds that the clocks may differ

function verified(string $id, string $time, string $given, string $body): bool
{
    $key = base64_decode(preg_replace('/^whsec_/', '', (string) getenv('RECIBO_SECRET')), true);
    if ($key === false || $key === '' || $id === '' || !ctype_digit($time) || abs(time() - (int) $time) > TOLERANCE) {
        return false;
    }
    $wanted = 'v1,' . base64_encode(hash_hmac('sha256', "$id.$time.$body", $key, true));
    foreach (explode(' ', $given) as $one) { // several while the secret is being rotated
        if (hash_equals($wanted, $one)) {
            return true;
        }
    }
    return false;
}

/** Keep a message, and act on it, in one transaction: what comes again changes nothing. */
function keep(string $id, array $message): void
{
    $database = new PDO('sqlite:' . (getenv('DATABASE') ?: 'messages.db'));
    $database->setAttribute(PDO::ATTR_ERRMODE, PDO::ERRMODE_EXCEPTION);
    $database->exec('create table if not exists seen (id text primary key)');
    $database->beginTransaction();
    $insert = $database->prepare('insert or ignore into seen values (?)');
    $insert->execute([$id]);
    if ($insert->rowCount() > 0) {
        file_put_contents('php://stdout', "{$message['type']} $id\n"); // your own code comes here
    }
    $database->commit();
}

$body = (string) file_get_contents('php://input'); // the bytes as they came: they are what is signed
$id = $_SERVER['HTTP_WEBHOOK_ID'] ?? '';
$time = $_SERVER['HTTP_WEBHOOK_TIMESTAMP'] ?? '';
if (!verified($id, $time, $_SERVER['HTTP_WEBHOOK_SIGNATURE'] ?? '', $body)) {
    http_response_code(401);
    return;
}
keep($id, json_decode($body, true, flags: JSON_THROW_ON_ERROR));
http_response_code(204); // only now: what is not kept is sent again
